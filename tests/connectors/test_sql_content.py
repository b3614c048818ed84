"""Recordings in a column of bytes, links to files, and when a row happened."""

from __future__ import annotations

import datetime as dt
import pickle
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from dsr.connectors.sql.clock import Clock
from dsr.errors import Refused
from dsr.model import Identifier
from tests.connectors.sql_stores import ALICE, BOB, fill, find, raw, rows_of, store, url

__all__ = ["url"]

CHUNK: Final = 256 * 1024
BERLIN: Final = ZoneInfo("Europe/Berlin")
#: As Asterisk keeps voicemail: the recording in the row of its message.
VOICEMAIL: Final = sa.Table(
    "voicemail_messages",
    sa.MetaData(),
    sa.Column("dir", sa.String(100), primary_key=True),
    sa.Column("msgnum", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("callerid", sa.String(80)),
    sa.Column("origtime", sa.String(20)),
    sa.Column("mailboxuser", sa.String(80)),
    sa.Column("recording", sa.LargeBinary(2**24)),
)
MAPPED: Final[dict[str, Any]] = {
    "category": "voicemail",
    "at": "origtime",
    "content": "recording",
    "mediatype": "audio/x-wav",
    "sides": [
        {"phone": "callerid", "match": "contains", "about": ["content"]},
        {"phone": "mailboxuser", "about": ["mailboxuser"]},
    ],
}
SPOOL: Final = "/var/spool/asterisk/voicemail/default/100/INBOX"


def message(number: int, recording: bytes | None, **more: object) -> dict[str, object]:
    return {
        "dir": SPOOL,
        "msgnum": number,
        "callerid": '"Alice" <030901820>',
        "origtime": "1772355600",
        "mailboxuser": BOB.value,
        "recording": recording,
        **more,
    }


@pytest.mark.parametrize("keyed", [True, False])
def test_a_recording_is_read_in_pieces(url: str, keyed: bool) -> None:
    """Law 9: bytes come in pieces of 256 KiB by the row's key, twice the same, never in data."""
    recording = bytes(range(256)) * 2500 + b"end"
    table = VOICEMAIL if keyed else _keyless()
    fill(url, table, [message(1, recording), message(2, b""), message(3, None)])
    statements: list[str] = []
    founds = {
        each.record.data["msgnum"]: each
        for each in find(store(url, MAPPED, "voicemail_messages"), ALICE)
    }
    assert [founds[number].record.content for number in (2, 3)] == [None, None]
    assert founds[2].about == {"callerid"}
    found = pickle.loads(pickle.dumps(founds[1]))  # noqa: S301  (our own bytes)
    assert found.about == {"callerid", "content"}
    assert "recording" not in found.record.data
    content = found.record.content
    assert content.size == len(recording)
    assert content.mediatype == "audio/x-wav"
    assert content.name.endswith(".wav")
    assert "/" not in content.name
    sa.event.listen(sa.Engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
    for _ in range(2):
        chunks = list(content.chunks())
        assert [len(each) for each in chunks] == [CHUNK, CHUNK, len(recording) - 2 * CHUNK]
        assert b"".join(chunks) == recording
    assert not any("SELECT voicemail_messages.recording" in each for each in statements)
    assert "901820" not in repr(found.record) + repr(content)


def _keyless() -> sa.Table:
    columns = [sa.Column(each.name, each.type) for each in VOICEMAIL.columns]
    return sa.Table("voicemail_messages", sa.MetaData(), *columns)


def test_a_recording_is_redacted(url: str) -> None:
    """The caller's recording goes, the mailbox's owner stays, byte for byte; twice is success."""
    fill(url, VOICEMAIL, [message(1, b"voice"), message(2, b"hers", callerid=BOB.value)])
    connector = store(url, MAPPED, "voicemail_messages")
    fields = {each.record.key: each.about for each in find(connector, ALICE)}
    for _ in range(2):
        connector.redact(fields)
    assert find(connector, ALICE) == []
    first, second = rows_of(url, VOICEMAIL)
    assert first == message(1, None, callerid=None)
    assert second == message(2, b"hers", callerid=BOB.value)


@pytest.mark.parametrize("change", ["gone", "shorter"])
def test_a_recording_that_changed_is_refused(url: str, change: str) -> None:
    """Law 4: never a file that ends early in silence."""
    fill(url, VOICEMAIL, [message(1, b"voice" * 100_000)])
    (found,) = find(store(url, MAPPED, "voicemail_messages"), ALICE)
    with raw(url) as connection:
        new: sa.Update | sa.Delete = sa.update(VOICEMAIL).values(recording=b"short")
        connection.execute(sa.delete(VOICEMAIL) if change == "gone" else new)
    assert found.record.content is not None
    with pytest.raises(Refused, match="changed or is gone"):
        list(found.record.content.chunks())


def test_a_path_in_two_columns(url: str) -> None:
    """FusionPBX keeps the folder and the name of a recording apart."""
    calls = sa.Table(
        "v_xml_cdr",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(each, sa.String(200)) for each in ("number", "record_path", "record_name")),
    )
    pairs = [
        ("/rec/2026/", "a.wav"),
        ("/rec", "b.wav"),
        (None, "c.wav"),
        ("", "d.wav"),
        ("/rec", None),
    ]
    fill(
        url,
        calls,
        [
            {"id": n, "number": ALICE.value, "record_path": path, "record_name": name}
            for n, (path, name) in enumerate(pairs)
        ],
    )
    mapped = {
        "category": "calls",
        "sides": [{"phone": "number"}],
        "links": {"object": {"column": "record_name", "folder": "record_path"}},
    }
    founds = find(store(url, mapped, "v_xml_cdr"), ALICE)
    links = {each.record.data["id"]: [link.value for link in each.record.links] for each in founds}
    assert links == {0: ["/rec/2026/a.wav"], 1: ["/rec/b.wav"], 2: ["c.wav"], 3: ["d.wav"], 4: []}


NINE: Final = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-01 10:00:00", NINE),  # Asterisk, in the store's zone
        ("2026-03-01 10:00:00.000001", NINE.replace(microsecond=1)),
        ("20260301100000", NINE),
        ("2026-03-01T09:00:00Z", NINE),  # CGRateS
        ("2026-03-01 09:00:00 +0000 UTC", NINE),  # Go's time.String
        ("2026-03-01 10:00:00 +0100", NINE),
        ("2026-03-01 10:00:00+01", NINE),
        ("2026-03-01%2010%3A00%3A00", NINE),  # FreeSWITCH's JSON
        ("1772355600", NINE),
        ("1772355600000000", NINE),  # FreeSWITCH's start_uepoch
        ("1772355600000", NINE),
        ("1772355600000000000", NINE),
        (1772355600, NINE),
        (1772355600000000, NINE),
        (1772355600.25, NINE.replace(microsecond=250_000)),
        ("2026-03-01", NINE.replace(hour=0) - dt.timedelta(hours=1)),
        # of the hour that summer time repeats, the first; of the one that it skips, by its offset
        ("2026-10-25 02:30:00", dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)),
        ("2026-10-25 02:30:00+01:00", dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)),
        ("2026-03-29 02:30:00", dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)),
        *((never, None) for never in ("", "0", 0, None, "soon", "0000-00-00 00:00:00", "12")),
        ("0001-01-01T00:00:00Z", None),  # CGRateS: not answered
        (float("inf"), None),
        (True, None),
    ],
)
def test_times_as_real_records_write_them(written: object, moment: dt.datetime | None) -> None:
    """Law 7 and retention stand on the moment: read exactly, or not at all."""
    said = Clock("calls", BERLIN).moment(written)
    # compared in UTC: within the hours of change no two zones' times are equal (PEP 495)
    assert (said and said.astimezone(dt.UTC)) == moment


def test_tenure_from_epoch_columns(url: str) -> None:
    """A number's tenure may be kept in Unix time; nothing is guessed of what is no time."""
    numbers = sa.Table(
        "numbers",
        sa.MetaData(),
        sa.Column("account", sa.String(20), primary_key=True),
        sa.Column("number", sa.String(20)),
        sa.Column("since", sa.BigInteger),
        sa.Column("until", sa.String(40)),
    )
    row = {"account": "a", "number": "030901820", "since": 1772355600000, "until": "1772355601"}
    fill(url, numbers, [row])
    link = {"column": "number", "since": "since", "until": "until"}
    mapped = {"category": "n", "sides": [{"account": "account"}], "links": {"phone": link}}
    (found,) = find(store(url, mapped, "numbers"), Identifier("account", "a"))
    until = NINE + dt.timedelta(seconds=1)
    assert found.record.links == (Identifier("phone", ALICE.value, since=NINE, until=until),)
