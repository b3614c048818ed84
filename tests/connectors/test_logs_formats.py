"""What servers write: entries of many lines, years that are not said, journals, levels."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zstandard

from dsr.connectors.logs import Logs, from_config
from dsr.connectors.logs import packing as packing_module
from dsr.connectors.logs.entries import LARGEST, Layout
from dsr.connectors.logs.reading import blocks
from dsr.connectors.logs.rotation import base_of
from dsr.model import Found, Identifier, Unread
from dsr.settings import Context

SUBJECT = Identifier("phone", "+4930901820")
OTHER = Identifier("phone", "+4930901821")
BERLIN = ZoneInfo("Europe/Berlin")


def store(folder: Path, **table: object) -> Logs:
    whole = {"path": str(folder), "category": "logs", "timezone": "Europe/Berlin", **table}
    return from_config("logs", whole, Context("DE", folder))


def found(logs: Logs, *who: Identifier) -> list[Found]:
    return [each for each in logs.find(who or [SUBJECT]) if isinstance(each, Found)]


def redact(logs: Logs, *who: Identifier) -> None:
    logs.redact({each.record.key: each.about for each in found(logs, *who)})


TRACE = b"""\
[2026-03-01 10:00:00] VERBOSE[7] chan_sip.c:
<--- SIP read from UDP:192.0.2.7:5060 --->
INVITE sip:+4930901821@pbx.example SIP/2.0\r
From: "Eva M\xc3\xbcller" <sip:+4930901820@pbx.example>;tag=1\r
To: Bob <sip:+4930901821@pbx.example>\r
P-Asserted-Identity: <tel:+4930901820>\r
\r
v=0\r
<------------->
[2026-03-01 10:00:01] NOTICE[7] app.c: something else
"""


def test_a_sip_message_of_many_lines_names_both_parties(tmp_path: Path) -> None:
    """It is one record with the time of its first line; each party's name and number are theirs."""
    path = tmp_path / "a.log"
    path.write_bytes(TRACE)
    logs = store(tmp_path)
    theirs, mine = found(logs, SUBJECT, OTHER)
    assert mine.record is theirs.record
    assert mine.record.at == dt.datetime(2026, 3, 1, 10, tzinfo=BERLIN)
    assert mine.record.personal == mine.about | theirs.about
    (alone,) = found(logs)
    assert alone.record.personal - alone.about == theirs.about
    redact(logs)
    covered = TRACE.replace(b"+4930901820", b"+xxxxxxxxxx").replace(
        b"Eva M\xc3\xbcller", b"xxx xxxxxxx"
    )
    assert path.read_bytes() == covered
    assert found(logs) == []


def test_a_traceback_belongs_to_its_line(tmp_path: Path) -> None:
    """Lines without a time stamp are of the entry before, however the blocks fall."""
    entry = "2026-03-01 10:00:{:02} ERROR\nTraceback:\n  File x\nValueError: 4930901820\n"
    (tmp_path / "a.log").write_text("".join(entry.format(n % 60) for n in range(9000)))
    founds = found(store(tmp_path))
    assert len(founds) == 9000
    assert [each.record.at and each.record.at.second for each in founds[:61]] == [*range(60), 0]
    assert founds[0].record.data["line"] == entry.format(0).rstrip("\n")


def test_an_entry_that_grows_keeps_its_key(tmp_path: Path) -> None:
    """Lines that are still to come do not change what a confirmed plan has of an entry."""
    path = tmp_path / "a.log"
    path.write_text("2026-03-01 10:00:00 ERROR\nfor 4930901820\n")
    logs = store(tmp_path)
    (before,) = found(logs)
    with path.open("a") as daemon:
        daemon.write("and for 4930901821\n")
    (after,) = found(logs)
    assert after.record.key == before.record.key
    assert before.about == after.about


def test_an_endless_entry_is_divided_alike_at_any_reading() -> None:
    """However the pieces fall, the records of a huge entry are the same."""
    text = b"2026-03-01 10:00:00 x\n" + b"no stamp in this line\n" * 9000
    layout = Layout.of(text, "auto")
    seen = []
    for size in (1000, 70_000, len(text)):
        cut = [text[start : start + size] for start in range(0, len(text), size)]
        records = set()
        for offset, block in blocks(cut, layout.cut):
            whole, place = bytes(block), 0
            while place < len(whole):
                start, stop = layout.record(whole, place)
                records.add((offset + start, offset + stop))
                place = stop
        seen.append(records)
    assert seen[0] == seen[1] == seen[2]
    assert sum(stop - start for start, stop in seen[0]) == len(text)
    assert all(stop - start <= LARGEST + 30 for start, stop in seen[0])


def test_lines_without_stamps_stand_alone(tmp_path: Path) -> None:
    """Kamailio's own lines bear no time: they are not of the accounting line before them."""
    text = "ACC: timestamp=1795357898;src_user=4930901821\n1(7) INFO: call from 4930901820\n"
    (tmp_path / "a.log").write_text(text)
    (each,) = found(store(tmp_path))
    assert each.record.at is None
    assert each.record.data["line"] == "1(7) INFO: call from 4930901820"


@pytest.mark.parametrize(
    ("days", "written", "years"),
    [
        (["Dec 30", "Dec 31", "Jan  1"], "2026-01-01", [2025, 2025, 2026]),
        (["Nov  2", "Jan  5", "Nov  3", "Feb  1"], "2026-02-02", [2024, 2025, 2025, 2026]),
        (["Feb 29", "Mar  1"], "2024-03-01", [2024, 2024]),
        (["Mar  2", "Mar  1"], "2026-03-02", [2026, 2026]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_year_that_no_stamp_says(
    tmp_path: Path, days: list[str], written: str, years: list[int], pack: Callable[[bytes], bytes]
) -> None:
    """RFC 3164 stamps get their year from the file's date and the order of its lines."""
    path = tmp_path / "messages.log"
    path.write_bytes(pack("".join(f"{d} 10:00:00 h x: 4930901820\n" for d in days).encode()))
    when = dt.datetime.fromisoformat(written).replace(hour=12, tzinfo=dt.UTC).timestamp()
    os.utime(path, (when, when))
    founds = found(store(tmp_path, format="syslog"))
    assert [each.record.at and each.record.at.year for each in founds] == years


def test_the_date_in_a_name_counts_where_the_file_was_copied(tmp_path: Path) -> None:
    """A copy is written later than its lines: the date of the rotation tells the year."""
    (tmp_path / "messages.log-20240105").write_text("Dec 31 10:00:00 h x: 4930901820\n")
    (each,) = found(store(tmp_path, files=["*"]))
    assert each.record.at == dt.datetime(2023, 12, 31, 10, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "name",
    [
        b"full",
        b"full.1",
        b"full.2.gz",
        b"full-20260301",
        b"full-20260301.gz",
        b"full.2026-03-01.zst",
        b"full.2026-03-01-10-00-00.1.xz",
        b"full.20260301.1.bz2",
    ],
)
def test_names_of_rotated_logs(name: bytes) -> None:
    """A log goes by one name, whatever rotation made of it."""
    assert base_of(name) == b"full"
    assert base_of(b"a/x.log") == b"a/x.log"
    assert base_of(b"a/20260301.log") != b"a/"


# journals and JSON


def journal(message: bytes) -> bytes:
    """Return a line as `journalctl -o json` writes it."""
    value: object = list(message)
    if all(0x20 <= byte < 0x7F for byte in message):
        value = message.decode()
    fields: Mapping[str, object] = {
        "__CURSOR": "s=1;i=2",
        "__REALTIME_TIMESTAMP": "1772355600000000",
        "MESSAGE": value,
        "_PID": "7",
    }
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_a_message_as_list_of_bytes(tmp_path: Path, separators: tuple[str, str]) -> None:
    """A number inside a list of byte numbers is found and covered, and JSON stays JSON."""
    said = b"\x1b[1mcall from +49 30/901820 to 4930901821\xff"
    line = json.dumps(json.loads(journal(said)), separators=separators).encode() + b"\n"
    path = tmp_path / "a.log"
    path.write_bytes(line + journal(b"call from 4930901820"))
    logs = store(tmp_path, files=["*"])
    assert len(found(logs)) == 2
    assert len(found(logs, OTHER)) == 1
    redact(logs)
    assert found(logs) == []
    assert len(found(logs, OTHER)) == 1
    first, second = (json.loads(each) for each in path.read_bytes().splitlines())
    assert bytes(first["MESSAGE"]) == said.replace(b"+49 30/901820", b"+XX XX/XXXXXX")
    assert second["MESSAGE"] == "call from xxxxxxxxxx"
    assert path.stat().st_size == len(line) + len(journal(b"call from 4930901820"))
    redact(logs, SUBJECT)


def test_json_stays_json(tmp_path: Path) -> None:
    """Numbers without quotes, escaped pluses and escaped quotes are found and stay readable."""
    path = tmp_path / "a.log"
    path.write_text(
        '{"time":"2026-03-01T10:00:00Z","from":4930901820,"to":4930901821}\n'
        r'{"time":"2026-03-01T10:00:01Z","from":"\u002b4930901820","x":"\"Eva\" <4930901820>"}'
        "\n"
        '{"time":"2026-03-01T10:00:02Z","url":"/p?to=%2B49%2030%20901820"}\n'
    )
    logs = store(tmp_path)
    assert len(found(logs)) == 3
    redact(logs)
    assert found(logs) == []
    first, second, third = (json.loads(each) for each in path.read_text().splitlines())
    assert (first["from"], first["to"]) == (9999999999, 4930901821)
    assert second["from"] == "+xxxxxxxxxx"
    assert second["x"] == '"xxx" <xxxxxxxxxx>'
    assert third["url"] == "/p?to=%2Bxx%20xx%20xxxxxx"


def test_a_journal_in_the_export_format(tmp_path: Path) -> None:
    """Binary fields keep their length; an entry is a record, whatever its message holds."""
    said = b"line\n\nFROM=4930901820\x00\xff"
    entry = b"__CURSOR=s=%d\n__REALTIME_TIMESTAMP=1772355600000000\nMESSAGE\n%b%b\n_PID=7\n\n"
    raw = b"".join(entry % (n, struct.pack("<Q", len(said)), said) for n in range(5))
    path = tmp_path / "a.log"
    path.write_bytes(raw)
    logs = store(tmp_path)
    founds = found(logs)
    assert len({each.record.key for each in founds}) == 5
    expected = dt.datetime.fromtimestamp(1772355600, dt.UTC)
    assert [each.record.at for each in founds] == [expected] * 5
    redact(logs)
    assert path.read_bytes() == raw.replace(b"4930901820", b"xxxxxxxxxx")


# whose a user is


def test_a_domain_group_tells_users_apart(tmp_path: Path) -> None:
    """Law 7: with several domains in one log, a side says in which field the domain stands."""
    (tmp_path / "a.log").write_text("ext 1001 of a.example\next 1001 of b.example\n")
    who = Identifier("sip", "1001@a.example")
    sides = [r"ext (?P<sip>\d+) of (?P<domain>\S+)"]
    assert len(found(store(tmp_path), who)) == 2
    (each,) = found(store(tmp_path, sides=sides), who)
    assert each.record.data["line"] == "ext 1001 of a.example"
    assert each.about == each.record.personal == {"line[4:8]"}


# compression

TEXT = "".join(
    f"2026-03-01 10:{n // 60 % 60:02}:{n % 60:02} [INFO] {zlib.crc32(b'%d' % n)} call from"
    f" {'4930901820' if n % 50 == 0 else '493090182' + str(n)}\n"
    for n in range(12_000)
).encode()
PACKERS: list[Callable[[bytes], bytes]] = [
    *(lambda text, level=level: gzip.compress(text, level, mtime=7) for level in (1, 3, 6, 9)),
    *(lambda text, level=level: zstandard.compress(text, level) for level in (1, 3, 9, 19)),
    *(lambda text, level=level: lzma.compress(text, preset=level) for level in (0, 6)),
    *(lambda text, level=level: bz2.compress(text, level) for level in (1, 9)),
]


@pytest.mark.parametrize("pack", PACKERS)
def test_a_file_is_compressed_as_it_was(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """The new file is what the same tool at the same level would have made of the new text."""
    path = tmp_path / "a.log.1"
    path.write_bytes(pack(TEXT))
    os.setxattr(path, "user.dsr", b"kept")
    path.chmod(0o640)
    redact(store(tmp_path))
    expected = len(pack(TEXT.replace(b" 4930901820\n", b" xxxxxxxxxx\n")))
    assert abs(path.stat().st_size - expected) <= max(64, expected // 200)
    assert os.getxattr(path, "user.dsr") == b"kept"
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_header_of_gzip_stays(tmp_path: Path) -> None:
    """A gzip header has the file's name and time: they stay."""
    raw = io.BytesIO()
    with gzip.GzipFile("full", "wb", fileobj=raw, mtime=1_700_000_000) as file:
        file.write(TEXT)
    path = tmp_path / "a.log.1"
    path.write_bytes(raw.getvalue())
    redact(store(tmp_path))
    assert path.read_bytes()[:15] == raw.getvalue()[:15]
    with gzip.open(path) as file:
        assert file.read() == TEXT.replace(b" 4930901820\n", b" xxxxxxxxxx\n")


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, lzma.compress])
def test_many_members_are_one_text(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Files that were appended to compressed are read and rewritten to their end."""
    path = tmp_path / "a.log.1"
    parts = [TEXT[start : start + 50_000] for start in range(0, 200_000, 50_000)]
    path.write_bytes(b"".join(map(compress, parts)))
    logs = store(tmp_path)
    assert len(found(logs)) == b"".join(parts).count(b" 4930901820\n") > 0
    redact(logs)
    assert found(logs) == []


def test_a_cut_zstd_file_is_told(tmp_path: Path) -> None:
    """Law 4: a frame that ends too early is damage, not the end."""
    whole = zstandard.compress(TEXT)
    (tmp_path / "a.log.1").write_bytes(whole[: len(whole) // 2])
    told = [each.reason for each in store(tmp_path).find([SUBJECT]) if isinstance(each, Unread)]
    assert told == [
        "file 1 of 1 in name order is damaged, the text behind the damage cannot be read"
    ]


def test_without_the_extra_zstd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 4: what a missing library keeps from being read is told, with what to install."""
    monkeypatch.setattr(packing_module, "_ZSTANDARD", False)
    (tmp_path / "a.log.1.zst").write_bytes(zstandard.compress(TEXT))
    logs = store(tmp_path)
    told = [each.reason for each in logs.find([SUBJECT]) if isinstance(each, Unread)]
    reason = "compressed as zstd, which cannot be read: install dsr with the extra fast"
    assert told == [f"file 1 of 1 in name order is {reason}"]
    assert [each.kind for each in logs.check() if reason in each.text] == ["fault"]
