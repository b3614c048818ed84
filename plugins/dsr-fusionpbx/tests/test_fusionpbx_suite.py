"""Every kind of part of `fusionpbx-db` keeps the contract, on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from attrs import frozen

from dsr.model import Identifier, Record
from dsr.testing import ConnectorSuite, Harness
from dsr_fusionpbx.database import FusionPbxDb
from fusionpbx_stores import (
    ALICE,
    ALICE_DESK,
    BOB,
    BOB_DESK,
    START,
    TABLES,
    database,
    fill,
    ident,
    json_cdr,
    rows_of,
    store,
    url,
    xml_cdr,
)

__all__ = ["database", "url"]

A, B = ALICE.value, BOB.value
_STARRED: Final = re.compile(r"\*+|%2B4930901820(?!\d)|\+?4930901820(?!\d)|Alice(?: |%20)A\.")
#: Members with text that may name both.
_TEXTS: Final = ("last_arg", "app_data", "application_data", "chan_name", "log_content")
#: What the raw text of a value about her matches, by what she is searched by.
_NAMED: Final = {
    "phone": re.compile(r"30 ?901820(?!\d)"),
    "sip": re.compile(r"\b1001(?!\d)"),
    "email": re.compile(r"(?i)alice@example\.org\b"),
}
ALICE_MAIL: Final = Identifier("email", "alice@example.org")
BOB_MAIL: Final = Identifier("email", "alice@example.organic")
CORRECTED: Final = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@frozen
class Seed:
    """The rows of a part, numbered from 1.

    hers    those that speak of Alice alone
    shared  in others that speak of her: the columns about her
    pieces  in others that speak of her: the columns of which pieces do
    """

    part: str
    rows: Sequence[Mapping[str, object]]
    hers: frozenset[int]
    shared: Mapping[int, frozenset[str]]
    pieces: frozenset[str] = frozenset()
    change: Mapping[str, object] = {}
    verbs: frozenset[str] = frozenset({"erase", "redact", "rectify", "split", "check"})


class TableHarness(Harness):
    """One table, filled and read without the connector."""

    entry = "fusionpbx-db"
    server = "PostgreSQL"

    def __init__(self, url: str, seed: Seed, subject: Identifier, bystander: Identifier) -> None:
        """Configure the store with one part."""
        self.url, self.rows = url, seed
        self.subject, self.bystander = subject, bystander
        self.connector: FusionPbxDb = store(url, seed.part)
        self.verbs = seed.verbs
        self.key = next(iter(TABLES[seed.part].c)).name
        self.user = _NAMED[subject.kind]

    def _id(self, number: int) -> object:
        return number if self.key == "id" else ident(number)

    def seed(self) -> int:
        for number, row in enumerate(self.rows.rows, start=1):
            fill(self.url, self.rows.part, {self.key: self._id(number), **row})
        return len(self.rows.hers | self.rows.shared.keys())

    def _raw(self) -> list[dict[str, Any]]:
        return rows_of(self.url, self.rows.part)

    def count(self) -> int:
        return sum(
            any(
                self.user.search(str(value)) for name, value in row.items() if name != "insert_date"
            )
            for row in self._raw()
        )

    def others(self) -> bytes:
        numbers = {self._id(number): number for number in range(1, len(self.rows.rows) + 1)}
        kept = []
        for row in self._raw():
            number = numbers[row[self.key]]
            if number in self.rows.hers:
                continue
            hers = self.rows.shared.get(number, frozenset())
            kept.append(
                {
                    name: self._without_her(value) if name in self.rows.pieces else value
                    for name, value in row.items()
                    if name not in hers
                }
            )
        return repr(kept).encode()

    def _without_her(self, value: object, member: str = "last_arg") -> object:
        """Return a document or text with `#` for what is hers: a whole member, or a piece."""
        if isinstance(value, dict):
            return {name: self._without_her(each, name) for name, each in sorted(value.items())}
        if isinstance(value, list):
            return [self._without_her(each) for each in value]
        if value is None:
            return "#"
        text = _STARRED.sub("#", str(value))
        return text if text == value or member in _TEXTS else "#"

    def strangers(self, number: int) -> Sequence[Identifier]:
        if self.subject.kind != "sip":
            return super().strangers(number)
        return [Identifier("sip", f"stranger-{each}@pbx.example.org") for each in range(number)]

    def changes(self, record: Record) -> Mapping[str, object]:
        ids = {str(self._id(each)) for each in self.rows.hers}
        return self.rows.change if str(record.data[self.key]) in ids else {}

    def unreachable(self) -> FusionPbxDb:
        nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
        return store(nowhere, self.rows.part)


_CALLER: Final = frozenset({"caller_id_number", "caller_id_name", "source_number", "network_addr"})


def calls() -> Seed:
    """Her number in every column of a call record, beside him in most."""
    bare = {"start_epoch": START, "hangup_cause": "NORMAL_CLEARING"}
    his = {"destination_number": B, "caller_destination": B}
    rows: list[dict[str, object]] = [
        {"caller_id_number": A},
        {"destination_number": "030901820", "record_transcription": "Good morning"},
        {"caller_id_number": "004930901820", "caller_id_name": "Alice A.", **his},
        {"caller_id_number": B, "caller_id_name": "Bob B.", "caller_destination": "0+4930901820"},
        {"source_number": "4930901820", "network_addr": "198.51.100.7", **his},
        {"caller_id_number": B, "last_arg": f"user/{B}@h,sofia/gateway/x/{A}"},
        {"caller_id_number": B, "xml": xml_cdr(A, "Alice A.", B, "Bob B.")},
        {"caller_id_number": B, "json": json_cdr(A, "Alice A.", B, "Bob B.")},
        {
            "caller_id_number": B,
            "call_flow": [{"destination_number": B}, {"destination_number": A}],
        },
        {"caller_id_number": B, "destination_number": "+4930901822"},
    ]
    return Seed(
        "xml_cdr",
        [{**bare, **row} for row in rows],
        hers=frozenset({1, 2}),
        shared={
            3: _CALLER,
            4: frozenset({"caller_destination"}),
            5: _CALLER,
            **dict.fromkeys((6, 7, 8, 9), frozenset[str]()),
        },
        pieces=frozenset({"last_arg", "xml", "json", "call_flow"}),
        change={"hangup_cause": "corrected"},
    )


def desks() -> Seed:
    """Extension 1001 as FusionPBX writes calls inside a tenant."""
    rows: list[dict[str, object]] = [
        {"caller_id_number": "1001"},
        {"destination_number": "1001"},
        {"caller_id_number": "1001", "caller_id_name": "Alice A.", "destination_number": "10010"},
        {"caller_id_number": "10010", "destination_number": "1001"},
        {"caller_id_number": "10010", "destination_number": "*98", "duration": 1002},
    ]
    return Seed(
        "xml_cdr",
        [{"start_epoch": START, **row} for row in rows],
        hers=frozenset({1, 2}),
        shared={3: _CALLER, 4: frozenset({"destination_number"})},
        change={"hangup_cause": "corrected"},
    )


def documents() -> Seed:
    """JSON copies, with her as either party."""
    alone = {"variables": {"sip_from_user": "%2B4930901820", "sip_from_display": "Alice%20A."}}
    rows = [
        {"json": alone},
        {"json": {"variables": {"sip_to_user": "030901820"}}},
        {"json": json_cdr(A, "Alice A.", B, "Bob B.")},
        {"json": json_cdr(B, "Bob B.", A, "Alice A.")},
        {"json": json_cdr(B, "Bob B.", "+4930901822", "Carol")},
    ]
    return Seed(
        "xml_cdr_json",
        rows,
        hers=frozenset({1, 2}),
        shared={3: frozenset(), 4: frozenset()},
        pieces=frozenset({"json"}),
        change={"start_stamp": CORRECTED},
    )


def contacts() -> Seed:
    """Numbers in address books, split over two columns."""
    rows: list[dict[str, object]] = [
        {"phone_country_code": 49, "phone_number": "30901820", "phone_label": "work"},
        {"phone_country_code": None, "phone_number": "+49 30 901820", "phone_label": "home"},
        {"phone_country_code": 49, "phone_number": "309018200", "phone_label": "work"},
    ]
    return Seed(
        "contact_phones", rows, frozenset({1, 2}), shared={}, change={"phone_label": "corrected"}
    )


def messages() -> Seed:
    """Voicemail that she left, and that others left."""
    rows: list[dict[str, object]] = [
        {"caller_id_number": A},
        {"caller_id_number": "030901820", "caller_id_name": "Alice A."},
        {"caller_id_number": A, "caller_id_name": "Alice A.", "voicemail_uuid": ident(7)},
        {"caller_id_number": B, "caller_id_name": "Bob B.", "voicemail_uuid": ident(7)},
    ]
    shared = frozenset({"caller_id_number", "caller_id_name"})
    return Seed(
        "voicemail_messages",
        [{"created_epoch": START, **row} for row in rows],
        hers=frozenset({1, 2}),
        shared={3: shared},
        change={"message_status": "saved"},
    )


def plain() -> Seed:
    """FreeSWITCH's own table."""
    stamp = dt.datetime.fromtimestamp(START, dt.UTC)
    rows = [
        {"caller_id_number": A},
        {"destination_number": "4930901820"},
        {"caller_id_number": f"sip:{A}@h", "caller_id_name": "Alice", "destination_number": B},
        {"caller_id_number": B, "caller_id_name": "Bob", "destination_number": "030901820"},
        {"caller_id_number": B, "caller_id_name": "Bob", "destination_number": "1"},
    ]
    return Seed(
        "freeswitch_cdr",
        [{"start_stamp": stamp, "local_ip_v4": "192.0.2.1", **row} for row in rows],
        hers=frozenset({1, 2}),
        shared={
            3: frozenset({"caller_id_number", "caller_id_name"}),
            4: frozenset({"destination_number"}),
        },
        change={"hangup_cause": "corrected"},
    )


def flow() -> Seed:
    """The steps of calls, with her as where one went, and among what a step did."""
    rows = [
        {"call_flow": [{"destination_number": A}]},
        {"call_flow": [{"destination_number": "030901820", "application": "answer"}]},
        {"call_flow": [{"destination_number": B}, {"destination_number": A}]},
        {"call_flow": [{"destination_number": B, "application_data": f"user/{B}@h,user/{A}@h"}]},
        {"call_flow": [{"destination_number": B}]},
    ]
    return Seed(
        "xml_cdr_flow",
        rows,
        hers=frozenset({1, 2}),
        shared={3: frozenset(), 4: frozenset()},
        pieces=frozenset({"call_flow"}),
        change={"insert_date": CORRECTED},
    )


def lines() -> Seed:
    """What FreeSWITCH wrote of a call."""
    rows = [
        {"log_content": f"[INFO] new call from {A}"},
        {"log_content": "[INFO] 030901820 hung up"},
        {"log_content": f"[INFO] {A} calls {B}"},
        {"log_content": f"[INFO] new call from {B}"},
    ]
    return Seed(
        "xml_cdr_logs",
        rows,
        hers=frozenset({1, 2}),
        shared={3: frozenset()},
        pieces=frozenset({"log_content"}),
        change={"log_date": "corrected"},
    )


def emails() -> Seed:
    """Her address in two books."""
    rows = [
        {"email_address": "alice@example.org", "contact_uuid": ident(7)},
        {"email_address": "Alice@example.org", "contact_uuid": ident(8)},
        {"email_address": BOB_MAIL.value, "contact_uuid": ident(8)},
    ]
    return _one_party("contact_emails", rows, email_label="corrected")


def extensions() -> Seed:
    """Extensions that show her number."""
    rows = [
        {"extension": "1001", "effective_caller_id_number": A, "password": "s"},
        {"extension": "1002", "outbound_caller_id_number": "030901820"},
        {"extension": "10010", "effective_caller_id_number": B},
    ]
    return _one_party("extensions", rows, accountcode="corrected")


def voicemails() -> Seed:
    """Mailboxes that write to her."""
    rows = [
        {"voicemail_id": "1001", "voicemail_mail_to": "alice@example.org"},
        {"voicemail_id": "1002", "voicemail_mail_to": "alice@example.org"},
        {"voicemail_id": "10010", "voicemail_mail_to": BOB_MAIL.value},
    ]
    return _one_party("voicemails", rows, voicemail_description="corrected")


def destinations() -> Seed:
    """Numbers of hers that the PBX answers."""
    rows = [
        {"destination_number": "4930901820"},
        {"destination_number": "1", "destination_caller_id_number": A},
        {"destination_number": B},
    ]
    return _one_party("destinations", rows, destination_description="corrected")


def _one_party(part: str, rows: Sequence[Mapping[str, object]], **change: object) -> Seed:
    return Seed(part, rows, frozenset({1, 2}), shared={}, change=change)


SMALL: Final = [
    (flow(), ALICE, BOB),
    (lines(), ALICE, BOB),
    (emails(), ALICE_MAIL, BOB_MAIL),
    (extensions(), ALICE, BOB),
    (voicemails(), ALICE_MAIL, BOB_MAIL),
    (destinations(), ALICE, BOB),
]


class TestCalls(ConnectorSuite):
    """v_xml_cdr, with JSON and XML in it."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, calls(), ALICE, BOB)


class TestDesks(ConnectorSuite):
    """v_xml_cdr, asked for an extension."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, desks(), ALICE_DESK, BOB_DESK)


class TestDocuments(ConnectorSuite):
    """v_xml_cdr_json."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, documents(), ALICE, BOB)


class TestContacts(ConnectorSuite):
    """v_contact_phones."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, contacts(), ALICE, BOB)


class TestMessages(ConnectorSuite):
    """v_voicemail_messages."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, messages(), ALICE, BOB)


class TestFreeSwitchCalls(ConnectorSuite):
    """FreeSWITCH's cdr."""

    @pytest.fixture
    def harness(self, url: str) -> TableHarness:
        return TableHarness(url, plain(), ALICE, BOB)


class TestOtherParts(ConnectorSuite):
    """The copies of a call, and who has which extension, mailbox and number."""

    @pytest.fixture(params=SMALL, ids=[seed.part for seed, *_ in SMALL])
    def harness(self, request: pytest.FixtureRequest, url: str) -> TableHarness:
        return TableHarness(url, *request.param)


class BookHarness(Harness):
    """What hangs on a contact, found by the account that a number leads to."""

    entry = "fusionpbx-db"
    server = "PostgreSQL"
    verbs = frozenset({"erase", "redact", "rectify", "split", "check"})
    subject = Identifier("account", str(ident(1)))
    bystander = Identifier("account", str(ident(2)))
    values: Final = {
        "contact_phones": {"phone_number": "+4930901820"},
        "contact_emails": {"email_address": "alice@example.org"},
        "contact_addresses": {"address_street": "Main Street 1"},
        "contact_notes": {"contact_note": "likes tea"},
    }

    def __init__(self, url: str) -> None:
        """Configure the store with these parts."""
        self.url = url
        self.connector: FusionPbxDb = store(url, *self.values)

    def seed(self) -> int:
        for number in (1, 2):
            for part, values in self.values.items():
                key = next(iter(TABLES[part].c)).name
                named = {key: ident(10 + number), "contact_uuid": ident(number)}
                fill(self.url, part, {**named, **values})
        return len(self.values)

    def count(self) -> int:
        rows = [row for part in self.values for row in rows_of(self.url, part)]
        return sum(row["contact_uuid"] == ident(1) for row in rows)

    def others(self) -> bytes:
        rows = [(part, row) for part in self.values for row in rows_of(self.url, part)]
        return repr([each for each in rows if ident(12) in each[1].values()]).encode()

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"contact_note": "corrected"} if "contact_note" in record.data else {}

    def unreachable(self) -> FusionPbxDb:
        return store("postgresql+psycopg://nobody@127.0.0.1:1/nothing", *self.values)


class TestBook(ConnectorSuite):
    """The tables around v_contacts, asked for an account."""

    @pytest.fixture
    def harness(self, url: str) -> BookHarness:
        return BookHarness(url)
