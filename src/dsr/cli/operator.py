"""A small operator, made up: its databases, logs, recordings and address books.

Used by `dsr demo`. Numbers are from ranges reserved for drama and tests (Bundesnetzagentur:
030 23125 xxx; Ofcom: 020 7946 0xxx; ARCEP: 01 99 00 xx xx).
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import math
import random
import sqlite3
import struct
import wave
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from dsr.cli.setup import write_key

__all__ = ["EVA", "EVA_SINCE", "build"]

EVA: Final = "+493023125100"
_OTHERS: Final = (
    "+493023125111",
    "+493023125122",
    "+493023125133",
    "+442079460018",
    "+33199001234",
)
_CALLS: Final = 600
_DAYS: Final = 500
#: Eva holds her number since so many days; before, it was somebody else's.
EVA_SINCE: Final = 300
_BILLED_AFTER: Final = 20  # days
_RECORDED: Final = 12  # every twelfth call
_ROTATED: Final = 60  # days after which log lines are in the rotated file
_SEED: Final = 7  # the same operator every time

_SCHEMA: Final = """
CREATE TABLE numbers (
  number TEXT, account TEXT, assigned_at TEXT, released_at TEXT, invoiced_at TEXT,
  PRIMARY KEY (number, assigned_at)
);
CREATE TABLE cdr (
  "start" TEXT, clid TEXT, src TEXT, dst TEXT, channel TEXT, dstchannel TEXT,
  duration INTEGER, billsec INTEGER, disposition TEXT, uniqueid TEXT, sequence INTEGER,
  recordingfile TEXT, billed_at TEXT,
  PRIMARY KEY (uniqueid, sequence)
);
CREATE INDEX numbers_account ON numbers (account);
CREATE INDEX cdr_src ON cdr (src);
CREATE INDEX cdr_dst ON cdr (dst);
"""


class _Call(NamedTuple):
    start: dt.datetime
    src: str
    dst: str
    seconds: int
    uniqueid: str
    recording: str


def build(folder: Path, now: dt.datetime) -> None:
    """Create the operator's stores, its dsr.toml and its key in `folder`, as of `now`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(_SEED)  # noqa: S311  (made-up calls, no secrets)
    calls = [_call(rng, number, now) for number in range(_CALLS)]
    _database(folder / "operator.db", calls, rng, now)
    _logs(folder / "logs", calls, rng, now)
    _recordings(folder / "recordings", calls)
    _contacts(folder / "contacts", now)
    config = files("dsr.cli").joinpath("example.toml").read_text("utf-8")
    config = config.replace('sender = "console"', 'sender = "file:pins.jsonl"')
    (folder / "dsr.toml").write_text(config, "utf-8")
    write_key(folder / "dsr.key")


def _call(rng: random.Random, number: int, now: dt.datetime) -> _Call:
    back = dt.timedelta(days=rng.uniform(1, _DAYS))
    start = (now - back).replace(microsecond=0)
    if rng.random() < 1 / 3:
        src, dst = rng.sample(_OTHERS, 2)
    else:
        src, dst = rng.sample((EVA, rng.choice(_OTHERS)), 2)
    uniqueid = f"{int(start.timestamp())}.{number}"
    recording = f"{uniqueid}.wav" if number % _RECORDED == 0 else ""
    return _Call(start, src, dst, rng.randint(3, 900), uniqueid, recording)


def _spelled(rng: random.Random, number: str) -> str:
    """Return the number as one of the systems along the way would write it."""
    forms = [number, "00" + number[1:], number[1:]]
    if number.startswith("+49"):
        forms.append("0" + number[3:])
    return rng.choice(forms)


def _local(at: dt.datetime) -> str:
    """Return a time as the database stores it: in UTC, with its offset."""
    return at.astimezone(dt.UTC).isoformat(sep=" ")


def _database(path: Path, calls: list[_Call], rng: random.Random, now: dt.datetime) -> None:
    since = now - dt.timedelta(days=EVA_SINCE)
    past = now - dt.timedelta(days=2000)
    invoiced = (now - dt.timedelta(days=40)).date().isoformat()
    owners = [
        (EVA, "A-0007", _local(past), _local(since), None),
        (EVA, "A-1001", _local(since), None, invoiced),
        *((other, f"A-2{n:03}", _local(past), None, invoiced) for n, other in enumerate(_OTHERS)),
    ]
    with sqlite3.connect(path) as db:
        db.executescript(_SCHEMA)
        db.executemany("INSERT INTO numbers VALUES (?,?,?,?,?)", owners)
        for sequence, call in enumerate(calls):
            src, dst = _spelled(rng, call.src), _spelled(rng, call.dst)
            row = (
                _local(call.start),
                f'"{src}" <{src}>',
                src,
                dst,
                f"PJSIP/{src}-{sequence:08x}",
                f"PJSIP/{dst}-{sequence + 1:08x}",
                call.seconds + 5,
                call.seconds,
                "ANSWERED",
                call.uniqueid,
                sequence,
                call.recording,
                (call.start + dt.timedelta(days=_BILLED_AFTER)).date().isoformat(),
            )
            db.execute(f"INSERT INTO cdr VALUES ({','.join('?' * len(row))})", row)  # noqa: S608  (marks)
    db.close()


def _logs(folder: Path, calls: list[_Call], rng: random.Random, now: dt.datetime) -> None:
    folder.mkdir()
    fresh, rotated = io.StringIO(), io.StringIO()
    for call in sorted(calls):
        old = now - call.start > dt.timedelta(days=_ROTATED)
        src, dst = _spelled(rng, call.src), _spelled(rng, call.dst)
        out = rotated if old else fresh
        out.write(
            f"{call.start:%b %d %H:%M:%S} sip1 kamailio[812]: NOTICE: acc [acc.c:287]:"
            f" acc_log_request(): ACC: transaction answered: timestamp={call.start:%s};"
            f"method=INVITE;call_id={call.uniqueid}@sip1;code=200;reason=OK;"
            f"src_user={src};dst_user={dst}\n"
        )
    (folder / "kamailio.log").write_text(fresh.getvalue(), "utf-8")
    with gzip.open(folder / "kamailio.log.1.gz", "wt", encoding="utf-8") as packed:
        packed.write(rotated.getvalue())


def _recordings(folder: Path, calls: list[_Call]) -> None:
    tone = _tone()
    for call in calls:
        if call.recording:
            path = folder / f"{call.start:%Y/%m/%d}" / call.recording
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tone)


def _tone(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """Return a tone of 425 Hz, the German dial tone, as a WAV file."""
    count = int(rate * seconds)
    samples = (int(8000 * math.sin(2 * math.pi * 425 * n / rate)) for n in range(count))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", each) for each in samples))
    return file.getvalue()


def _contacts(folder: Path, now: dt.datetime) -> None:
    """Write two address books: Eva's, and one in which her number is a contact.

    Only cards that say when they were changed can be told from those of the number's earlier
    holder: the card in the other book does not.
    """
    changed = f"REV:{now - dt.timedelta(days=10):%Y%m%dT%H%M%SZ}\r\n"
    eva = [
        ("Eva Muller", "+49 30 23125-100", "eva@example.org", "self", changed),
        ("Noor Haddad", "030 23125-111", "noor@example.org", "c1", changed),
        ("John Smith", "+44 20 7946 0018", "john@example.org", "c2", changed),
    ]
    other = [("Eva (Berlin)", "0049 30 23125100", "eva@example.org", "c9", "")]
    for account, cards in (("A-1001", eva), ("A-2000", other)):
        (folder / account).mkdir(parents=True)
        for name, number, email, uid, rev in cards:
            text = (
                f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}@{account}\r\n{rev}FN:{name}\r\n"
                f"N:{name};;;;\r\nTEL;TYPE=cell:{number}\r\nEMAIL:{email}\r\nEND:VCARD\r\n"
            )
            (folder / account / f"{uid}.vcf").write_text(text, "utf-8", newline="")
