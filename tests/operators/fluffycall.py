"""fluffycall's stores: a billing database, letters and a security log, and one recording.

Anna and Bruno are contacts of two business customers; they call each other. Everything that is
somebody's can be looked at without dsr: `facts` reads the raw stores with SQL and as bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dsr.model import Hold, Identifier, Subject
from tests.operators.harness import Person, Point

__all__ = ["AFTER", "ANNA", "BRUNO", "HELD", "INSIDE", "facts", "fill"]

BERLIN: Final = ZoneInfo("Europe/Berlin")

# Numbers are from ranges reserved for drama (Bundesnetzagentur: 030 23125 xxx; ARCEP: 01 99 00).
_ANNA: Final = "+493023125201"
_BRUNO: Final = "+493023125202"
_CARLA: Final = "+493023125203"
_PARIS: Final = "+33199001234"

ANNA: Final = Person(
    "Anna",
    {"phone": "030 23125-201", "account": "K-1001"},
    {"account_data.email": "anna.albrecht@albrecht.example"},
)
BRUNO: Final = Person(
    "Bruno",
    {"phone": "+49 30 23125202", "account": "K-1002"},
    {"account_data.email": "bruno@brandt.example"},
)


def _at(year: int, month: int, day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=BERLIN)


# The bill of January's calls was sent on 5 February 2026: six months end with 4 August.
INSIDE: Final = Point("inside", dt.datetime(2026, 8, 4, 23, 59, 59, tzinfo=BERLIN))
AFTER: Final = Point("after", dt.datetime(2026, 8, 5, tzinfo=BERLIN))
HELD: Final = Point(
    "hold",
    AFTER.now,
    (
        Hold(
            id="fraud-7",
            case="2 O 7/26",
            reason="toll fraud claim",
            law="GDPR Art. 17(3)(e)",
            subject=Subject((Identifier("phone", _BRUNO),)),
            categories=frozenset({"call_metadata", "security_logs"}),
        ),
    ),
)

_META: Final = sa.MetaData()
_MOMENT: Final = sa.DateTime(timezone=True)
_CUSTOMERS: Final = sa.Table(
    "customers",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("account", "company", "name", "email", "iban")),
    sa.Column("phone", sa.Text),
    sa.Column("phone_since", _MOMENT),
    sa.Column("phone_until", _MOMENT),
    sa.Column("closed_at", sa.Date),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
)
_CALLS: Final = sa.Table(
    "calls",
    _META,
    sa.Column("call_id", sa.Text, primary_key=True),
    sa.Column("started_at", _MOMENT),
    sa.Column("seconds", sa.Integer),
    sa.Column("src", sa.Text),
    sa.Column("dst", sa.Text),
    sa.Column("billed_at", _MOMENT),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
)
_INVOICES: Final = sa.Table(
    "invoices",
    _META,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("invoiced_on", sa.Date),
    *(sa.Column(name, sa.Text) for name in ("account", "company", "name", "iban")),
    sa.Column("cents", sa.Integer),
    sa.Column("blocked", sa.Boolean, nullable=False, server_default=sa.false()),
)

_PEOPLE: Final = {
    "K-0900": ("Zeisig GmbH", "Zoe Zeisig", "zoe@zeisig.example", "DE02100100109307118603"),
    "K-1001": ("Albrecht Logistik", "Anna Albrecht", "anna@albrecht.example", "DE0212030000000020"),
    "K-1002": ("Brandt Druck KG", "Bruno Brandt", "b@brandt.example", "DE02500105170137075030"),
    "K-1003": ("Conrad OHG", "Carla Conrad", "carla@conrad.example", "DE02700100800030876808"),
}
_OWNERS: Final = {"K-1001": "Anna", "K-1002": "Bruno"}
_HANDED_OVER: Final = _at(2026, 1, 10, 0)  # Anna's number was Zoe's before
_NUMBERS: Final = (
    (1, "K-0900", _ANNA, _at(2020, 1, 1), _HANDED_OVER, dt.date(2026, 1, 10)),
    (2, "K-1001", _ANNA, _HANDED_OVER, None, None),
    (3, "K-1002", _BRUNO, _at(2017, 6, 1), None, dt.date(2026, 7, 31)),
    (4, "K-1003", _CARLA, _at(2019, 3, 1), None, None),
)
_JANUARYS_BILL: Final = _at(2026, 2, 5)
_RECORDED: Final = "c1"
_RECORDING: Final = f"2026/01/20/{_RECORDED}.wav"


class _Call(NamedTuple):
    id: str
    at: dt.datetime
    seconds: int
    src: str
    dst: str
    billed: dt.datetime | None


_MADE: Final = (
    _Call("c0", _at(2026, 1, 5), 40, _ANNA, _PARIS, _JANUARYS_BILL),  # Zoe's
    _Call("c1", _at(2026, 1, 20), 65, "03023125201", "00493023125202", _JANUARYS_BILL),
    _Call("c2", _at(2026, 1, 28), 612, _ANNA, "0033199001234", _JANUARYS_BILL),
    _Call("c3", _at(2026, 6, 10), 30, "03023125202", "493023125201", _at(2026, 7, 5)),
    _Call("c4", _at(2026, 7, 20), 9, _BRUNO, _PARIS, None),  # not billed yet
    _Call("c5", _at(2026, 1, 21), 77, _CARLA, _PARIS, _JANUARYS_BILL),
)
_ISSUED: Final = (
    ("R-2017-0815", dt.date(2017, 12, 15), "K-1002", 4900),
    ("R-2026-0301", dt.date(2026, 3, 15), "K-1001", 12900),
    ("R-2026-0702", dt.date(2026, 7, 5), "K-1002", 990),
    ("R-2026-0703", dt.date(2026, 7, 5), "K-1003", 1990),
)
_BILLED: Final = {"R-2026-0301": "Anna", "R-2017-0815": "Bruno", "R-2026-0702": "Bruno"}
_LETTERS: Final = (
    ("K-1001", "2026-01-10-contract"),
    ("K-1002", "2019-11-02-offer"),
    ("K-1002", "2026-07-01-notice"),
    ("K-1003", "2019-03-01-contract"),
)
_ALARMS: Final = (
    ("2026-06-02T21:14:08+02:00", "K-1001", _ANNA, "198.51.100.21"),
    ("2026-07-29T08:15:00+02:00", "K-1001", _ANNA, "198.51.100.21"),
    ("2026-08-03T03:02:59+02:00", "K-1002", _BRUNO, "198.51.100.22"),
    ("2026-08-03T03:05:00+02:00", "K-1003", _CARLA, "198.51.100.23"),
)
_LOGS: Final = ("security.log.1", "security.log")  # rotated in July
_LINE: Final = "{at} guard[7]: account={account} number={number} ip={ip} night calls, warned\n"


def fill(folder: Path, url: str) -> None:
    """Fill the database at `url`, and the folders of letters, logs and recordings."""
    engine = sa.create_engine(url, poolclass=NullPool)
    _META.create_all(engine)
    with engine.begin() as db:
        db.execute(_CUSTOMERS.insert(), [_customer(*each) for each in _NUMBERS])
        db.execute(_CALLS.insert(), [_call(each) for each in _MADE])
        db.execute(_INVOICES.insert(), [_invoice(*each) for each in _ISSUED])
    for account, name in _LETTERS:
        path = folder / "letters" / account / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Dear {_PEOPLE[account][1]}, …\n", "utf-8")
    (folder / "logs").mkdir()
    lines = [_LINE.format(at=at, account=a, number=n, ip=ip) for at, a, n, ip in _ALARMS]
    for name, text in zip(_LOGS, (lines[:1], lines[1:]), strict=True):
        (folder / "logs" / name).write_text("".join(text), "utf-8")
    recording = folder / "spool" / _RECORDING
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")


def _customer(
    number: int,
    account: str,
    phone: str,
    since: dt.datetime,
    until: dt.datetime | None,
    closed: dt.date | None,
) -> dict[str, object]:
    company, name, email, iban = _PEOPLE[account]
    return {
        "id": number,
        "account": account,
        "company": company,
        "name": name,
        "email": email,
        "iban": iban,
        "phone": phone,
        "phone_since": _utc(since),
        "phone_until": _utc(until),
        "closed_at": closed,
    }


def _call(call: _Call) -> dict[str, object]:
    return {
        "call_id": call.id,
        "started_at": _utc(call.at),
        "seconds": call.seconds,
        "src": call.src,
        "dst": call.dst,
        "billed_at": _utc(call.billed),
    }


def _invoice(number: str, day: dt.date, account: str, cents: int) -> dict[str, object]:
    company, name, _, iban = _PEOPLE[account]
    return {
        "number": number,
        "invoiced_on": day,
        "account": account,
        "company": company,
        "name": name,
        "iban": iban,
        "cents": cents,
    }


def _utc(at: dt.datetime | None) -> dt.datetime | None:
    """Return the time as SQLite keeps it: the zone is the store's setting."""
    return at.astimezone(dt.UTC) if at else None


def facts(folder: Path, url: str) -> dict[str, set[str]]:
    """Return what the raw stores say of Anna, of Bruno, and of everybody else."""
    found: dict[str, set[str]] = {"Anna": set(), "Bruno": set(), "others": set()}
    for owner, fact in (*_rows(url), *_files(folder)):
        found[owner].add(fact)
    return found


def _rows(url: str) -> Iterator[tuple[str, str]]:
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as db:
        for row in db.execute(sa.select(_CUSTOMERS)).mappings():
            owner = {2: "Anna", 3: "Bruno"}.get(row["id"], "others")
            for name in ("account", "company", "name", "email", "iban", "phone"):
                if row[name]:
                    yield owner, f"account_data {row['id']} {name}={row[name]}"
        for row in db.execute(sa.select(_CALLS)).mappings():
            for side in ("src", "dst"):
                if row[side]:
                    yield _caller(row["call_id"], row[side]), f"{row['call_id']} {row[side]}"
        for row in db.execute(sa.select(_INVOICES)).mappings():
            fact = f"{row['number']} {row['name']} {row['iban']} {row['cents']}"
            yield _BILLED.get(row["number"], "others"), fact


def _caller(call: str, number: str) -> str:
    if call == "c0":  # before the number was Anna's
        return "others"
    digits = "".join(number.split())
    return next(
        (name for end, name in (("201", "Anna"), ("202", "Bruno")) if digits.endswith(end)),
        "others",
    )


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / "letters").rglob("*.txt")):
        yield _OWNERS.get(path.parent.name, "others"), f"{path.name} {path.read_text('utf-8')}"
    logs = [folder / "logs" / name for name in _LOGS]
    lines = [line for log in logs if log.exists() for line in log.read_text("utf-8").splitlines()]
    for at, account, number, ip in _ALARMS:
        for line in lines:
            if line.startswith(at):
                traces = [f"{at} {each}" for each in (account, number, ip) if each in line]
                yield from ((_OWNERS.get(account, "others"), each) for each in traces)
