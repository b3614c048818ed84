"""Every part of `asterisk-db` keeps the contract, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from asterisk_rows import ALICE, ALICE_DESK, BOB, BOB_DESK
from asterisk_seeds import DESK, PHONE, SMALL, Row, Seed
from asterisk_stores import (
    SERVERS,
    START,
    cdr,
    database,
    fill,
    rows_of,
    server,
    store,
    url,
)
from dsr.model import Credential, Identifier, Record
from dsr.testing import ConnectorSuite, Harness
from dsr_asterisk.database import AsteriskDb

__all__ = ["database", "url"]

_STRIPPED: Final = re.compile(r"\+?\*+|\+?4930901820(?!\d)|(?<![\d.])1001(?!\d)")


class TableHarness(Harness):
    """One table, filled and read without the connector."""

    entry = "asterisk-db"

    def __init__(self, url: str, seed: Seed, subject: Identifier, bystander: Identifier) -> None:
        """Configure the store with one part."""
        self.url, self.rows = url, seed
        self.subject, self.bystander = subject, bystander
        backend = sa.make_url(url).get_backend_name().replace("mysql", "mariadb")
        self.server = SERVERS[backend]
        self.connector: AsteriskDb = self._store(url)
        self.verbs = seed.verbs

    def _store(self, url: str) -> AsteriskDb:
        part = {"freepbx": "cdr"}.get(self.rows.table, self.rows.table)
        return store(url, part, **self.rows.settings)

    def seed(self) -> int:
        fill(self.url, self.rows.table, *self.rows.rows)
        return len(self.rows.hers | self.rows.shared.keys() | self.rows.pieces.keys())

    def _raw(self) -> list[dict[str, Any]]:
        return rows_of(self.url, self.rows.table)

    def content(self, record: Record) -> bytes | None:
        number = str(record.data[self.rows.number])
        (row,) = [each for each in self.rows.rows if str(each[self.rows.number]) == number]
        content = row.get("recording")
        return content if isinstance(content, bytes) else None

    def vouched(self) -> Mapping[Identifier, Sequence[Credential]]:
        return self.rows.vouched

    def count(self) -> int:
        return sum(
            any(
                self.rows.named.search(str(value))
                for name, value in row.items()
                if name != "dir"  # a message's place: `check` tells that it names the mailbox
            )
            for row in self._raw()
        )

    def others(self) -> bytes:
        kept = []
        for row in sorted(self._raw(), key=lambda each: str(each[self.rows.number])):
            number = row[self.rows.number]
            if number in self.rows.hers:
                continue
            hers = self.rows.shared.get(number, frozenset())
            part = self.rows.pieces.get(number, frozenset())
            kept.append(
                {
                    name: _STRIPPED.sub("#", str(value)) if name in part else value
                    for name, value in row.items()
                    if name not in hers and name != "msgnum"
                }
            )
        return repr(kept).encode()

    def strangers(self, number: int) -> Sequence[Identifier]:
        if self.subject.kind == "phone":
            return super().strangers(number)
        return [Identifier(self.subject.kind, f"stranger-{each}") for each in range(number)]

    def changes(self, record: Record) -> Mapping[str, object]:
        if record.data[self.rows.number] not in self.rows.hers:
            return {}
        return self.rows.change

    def unreachable(self) -> AsteriskDb:
        return self._store("sqlite:////nowhere/asterisk.sqlite3")


_CALLER: Final = frozenset({"src", "clid", "channel", "accountcode"})
_CALLEE: Final = frozenset({"dst", "dstchannel", "peeraccount"})
_KEYED: Final = {"tables": {"cdr": {"key": ["uniqueid", "sequence"]}}}


def calls() -> Seed:
    """Alice's number in every place where a call record may have it."""
    rows = (
        cdr(1, "+4930901820", ""),
        cdr(2, "", "030901820"),
        cdr(3, "+4930901820", "004930901820", userfield="by 030-901820"),
        cdr(4, "4930901820", "+49309018200", lastdata="PJSIP/+49309018200@trunk,30,tT"),
        cdr(5, "0309018200", "0+4930901820", lastdata="PJSIP/+4930901820@trunk,30,tT"),
        cdr(6, "+49309018200", "+4930901822"),
        cdr(7, "+4930901822", "s", lastdata="SIP/+4930901820@t&SIP/+49309018200@t", dstchannel=""),
        cdr(
            8, "anonymous", "600", channel="SIP/+4930901820@trunk-00000008", clid="", dstchannel=""
        ),
    )
    return Seed(
        table="cdr",
        number="sequence",
        rows=rows,
        hers=frozenset({1, 2, 3}),
        shared={4: _CALLER, 5: _CALLEE, 8: _CALLER},
        pieces={5: frozenset({"lastdata"}), 7: frozenset({"lastdata"})},
        named=PHONE,
        change={"disposition": "corrected"},
        settings=_KEYED,
    )


def freepbx() -> Seed:
    """FreePBX's columns name her where `src` and `dst` do not."""
    rows = [
        cdr(1, "+4930901820", "", recordingfile="q-400-+4930901820-20260305-123015-1.1.wav"),
        cdr(2, "", "", did="030901820"),
        cdr(3, "+49309018200", "1002", did="+4930901820"),
        cdr(4, "+49309018221", "+49309018200", cnum="+4930901820", cnam="Alice"),
        cdr(5, "1002", "+49309018200", outbound_cnum="4930901820", outbound_cnam="Alice"),
        cdr(6, "+49309018200", "1003", cnam="Bob"),
    ]
    freed = [
        {
            **{name: value for name, value in row.items() if name not in {"start", "end"}},
            "calldate": row["start"],
            "amaflags": 3,
        }
        for row in rows
    ]
    caller = _CALLER | {"cnum", "cnam", "outbound_cnum", "outbound_cnam", "recordingfile"}
    return Seed(
        table="freepbx",
        number="sequence",
        rows=freed,
        hers=frozenset({1, 2}),
        shared={3: _CALLEE | {"did", "dst_cnam", "recordingfile"}, 4: caller, 5: caller},
        pieces={},
        named=PHONE,
        change={"disposition": "corrected"},
        settings={**_KEYED, "layout": "freepbx"},
    )


def desks() -> Seed:
    """Extension 1001, beside 10010, and 1001 where it is no extension."""
    rows = (
        cdr(1, "1001", ""),
        cdr(2, "", "1001"),
        cdr(3, "+49309018221", "*98", clid='"Alice" <1001>', channel="", dstchannel=""),
        cdr(4, "1001", "10010"),
        cdr(5, "10010", "s", lastdata="PJSIP/10010&PJSIP/1001,30", dstchannel=""),
        cdr(6, "10010", "*97", clid='"Room 1 001" <10010>', lastdata="1001 times"[5:]),
        cdr(7, "30", "10010", duration=1002, channel="PJSIP/10010-00001001"),
    )
    return Seed(
        table="cdr",
        number="sequence",
        rows=rows,
        hers=frozenset({1, 2}),
        shared={3: _CALLER, 4: _CALLER},
        pieces={5: frozenset({"lastdata"})},
        named=DESK,
        change={"disposition": "corrected"},
        settings=_KEYED,
    )


def _event(number: int, **more: object) -> Row:
    blank = ("cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "channame", "peer")
    return {
        "id": number,
        "eventtype": "CHAN_START",
        "eventtime": START,
        **dict.fromkeys((*blank, "appdata", "extra", "accountcode"), ""),
        "uniqueid": f"1772710215.{number}",
        "linkedid": "1772710215.1",
        **more,
    }


def events() -> Seed:
    """Alice on the channel, dialled, redirecting, and named in the free columns."""
    on = frozenset({"cid_name", "cid_num", "cid_ani", "channame"})
    rows = (
        _event(1, cid_name="Alice", cid_num="+4930901820", cid_ani="030901820"),
        _event(2, cid_dnid="004930901820", exten="004930901820"),
        _event(3, cid_num="+49309018200", cid_rdnis="4930901820"),
        _event(4, cid_name="Alice", cid_num="+4930901820", cid_dnid="+49309018200"),
        _event(5, cid_num="+49309018200", peer="PJSIP/+4930901820-00000005"),
        _event(
            6,
            cid_num="+49309018200",
            extra='{"transferee_channel_name":"SIP/+4930901820@t-00000006","extension":"1"}',
        ),
        _event(7, cid_num="+49309018200", exten="s"),
    )
    return Seed(
        table="cel",
        number="id",
        rows=rows,
        hers=frozenset({1, 2}),
        shared={3: frozenset({"cid_rdnis"}), 4: on},
        pieces={5: frozenset({"peer"}), 6: frozenset({"extra"})},
        named=PHONE,
        change={"cid_name": "Corrected"},
        settings={},
    )


def _queued(number: int, agent: str, event: str, *data: str) -> Row:
    return {
        "id": number,
        "time": START,
        "callid": f"1772710215.{number}",
        "queuename": "sales",
        "agent": agent,
        "event": event,
        **{f"data{place}": value for place, value in enumerate(data, 1)},
    }


def queue() -> Seed:
    """An agent's rows, and rows in which her number is how long a call took."""
    rows = (
        _queued(1, "PJSIP/1001", "CONNECT", "5", "1772710215.9", "4"),
        _queued(2, "NONE", "ENTERQUEUE", "", "1001", "1"),
        _queued(3, "Local/1001@from-queue/n", "COMPLETEAGENT", "7", "1002", "1"),
        _queued(4, "PJSIP/10010", "BLINDTRANSFER", "1001", "from-internal", "1"),
        _queued(5, "PJSIP/10010", "COMPLETECALLER", "1002", "10010", "1"),
        _queued(6, "NONE", "ENTERQUEUE", "", "10010", "1"),
    )
    return Seed(
        table="queue_log",
        number="id",
        rows=rows,
        hers=frozenset({1, 2, 3}),
        shared={4: frozenset({"data1"})},
        pieces={},
        named=DESK,
        change={"queuename": "corrected"},
        settings={},
    )


def _message(number: int, mailbox: str, callerid: str) -> Row:
    return {
        "dir": f"/var/spool/asterisk/voicemail/default/{mailbox}/INBOX",
        "msgnum": number % 10,
        "context": "from-internal",
        "callerid": callerid,
        "origtime": 1772710215 + number,
        "duration": number,
        "recording": b"RIFF" + bytes([number]) * 70_000,
        "mailboxuser": mailbox,
        "mailboxcontext": "default",
        "msg_id": f"1772710215-{number:08}",
    }


def messages() -> Seed:
    """Two messages in Alice's mailbox, one that she left somebody else, and one for Bob."""
    rows = (
        _message(10, "1001", '"Carol" <+4930901822>'),
        _message(11, "1001", ""),
        _message(20, "777", '"Alice" <1001>'),
        _message(30, "10010", "+4930901822"),
    )
    return Seed(
        table="voicemail_messages",
        number="duration",
        rows=rows,
        hers=frozenset({10, 11}),
        shared={20: frozenset({"callerid"})},
        pieces={},
        named=DESK,
        change={"flag": "Urgent"},
        settings={},
    )


class TestCalls(ConnectorSuite):
    """cdr, stock."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, calls(), ALICE, BOB)


class TestFreePbxCalls(ConnectorSuite):
    """cdr, as FreePBX lays it out."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, freepbx(), ALICE, BOB)


class TestDesks(ConnectorSuite):
    """cdr, asked for an extension."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, desks(), ALICE_DESK, BOB_DESK)


class TestEvents(ConnectorSuite):
    """cel."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, events(), ALICE, BOB)


class TestQueue(ConnectorSuite):
    """queue_log."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, queue(), ALICE_DESK, BOB_DESK)


class TestMessages(ConnectorSuite):
    """voicemail_messages."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, messages(), ALICE_DESK, BOB_DESK)


class TestSmallTables(ConnectorSuite):
    """The tables that speak of one person a row."""

    @pytest.fixture(params=SMALL, ids=[seed.table for seed, *_ in SMALL])
    def harness(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableHarness]:
        with server("sqlite", tmp_path) as quick:
            yield TableHarness(quick, *request.param)
