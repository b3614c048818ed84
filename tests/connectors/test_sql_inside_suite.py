"""The laws of every connector, where the map looks inside columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.model import Record
from dsr.testing import ConnectorSuite, Harness
from tests.connectors.sql_stores import ALICE, BOB, fill, rows_of, store, url

__all__ = ["url"]

#: Who calls whom: three rows of Alice alone, two that she shares with Bob, one of Bob.
CALLS: Final = [
    ("+4930901820", ""),
    ("", "030901820"),
    ("%2B4930901820", "004930901820"),
    ("4930901820", "+49309018200"),
    ("0309018200", "0+4930901820"),
    ("+49309018200", "+4930901822"),
]
HERS_ALONE: Final = (1, 2, 3)
CALLED: Final = 1_772_356_500  # Unix time
VOICE: Final = bytes(range(256)) * 1100


class InsideHarness(Harness):
    """A table whose parties are members of a document or pieces of a text."""

    subject = ALICE
    bystander = BOB
    entry = "sql"
    verbs = frozenset({"erase", "redact", "rectify", "split", "check", "aged"})
    table: sa.Table
    mapped: Mapping[str, Any]

    def __init__(self, url: str) -> None:
        """Configure the connector."""
        self.url = url
        self.connector = store(url, dict(self.mapped), str(self.table.name))

    def row(self, caller: str, callee: str) -> dict[str, object]:
        """Return the columns of a call."""
        raise NotImplementedError

    def seed(self) -> int:
        rows = [
            self.row(*pair) | {"id": n, "called": CALLED + n}
            for n, pair in enumerate(CALLS, start=1)
        ]
        fill(self.url, self.table, rows)
        return 5

    def count(self) -> int:
        return sum(_is_alices(repr(row)) for row in rows_of(self.url, self.table))

    def others(self) -> bytes:
        rows = [each for each in rows_of(self.url, self.table) if each["id"] not in HERS_ALONE]
        # her half of the shared rows is what the harness of each map takes out
        return re.sub(self.hers, "…", repr(rows)).encode()

    #: What of a shared row is hers, written or redacted.
    hers: re.Pattern[str]

    def unreachable(self) -> Sql:
        return store("sqlite:////nowhere/calls.db", dict(self.mapped), str(self.table.name))


def _is_alices(text: str) -> bool:
    return re.search(r"30901820(?!\d)", text) is not None


class DocumentHarness(InsideHarness):
    """A document with both parties, as text of any shape."""

    table = sa.Table(
        "cdrs",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("called", sa.BigInteger),
        sa.Column("json", sa.Text),
        sa.Column("recording", sa.LargeBinary(2**24)),
    )
    mapped = {  # noqa: RUF012  (read only)
        "category": "calls",
        "at": "called",
        "content": "recording",
        "sides": [
            {"phone": "json->legs.*.number", "about": ["json->legs.*.name"]},
            {"phone": "json->to", "about": ["json->town"]},
        ],
    }
    hers = re.compile(
        r'"number": (?:"4930901820"|null), "name": (?:"A"|null)'
        r'|"to": (?:"0\+4930901820"|null), "town": (?:"B"|null)'
    )

    def row(self, caller: str, callee: str) -> dict[str, object]:
        document: dict[str, object] = {"legs": [{"codec": "PCMA"}], "cost": 1.10}
        if caller:
            document["legs"] = [{"codec": "PCMA"}, {"number": caller, "name": "A"}]
        if callee:
            document |= {"to": callee, "town": "B"}
        return {"json": json.dumps(document), "recording": VOICE}

    def content(self, record: Record) -> bytes | None:
        del record
        return VOICE

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"json->town": "Berlin"} if record.data["id"] == 2 else {}


class PieceHarness(InsideHarness):
    """A dial string with both parties, beside the caller's number."""

    table = sa.Table(
        "cel",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("called", sa.BigInteger),
        *(sa.Column(each, sa.String(200)) for each in ("appdata", "cid_num", "note")),
    )
    mapped = {  # noqa: RUF012  (read only)
        "category": "events",
        "at": "called",
        "sides": [
            {"phone": "cid_num", "about": ["note"]},
            {"phone": "appdata", "match": "contains", "part": True},
        ],
    }
    #: 4 is her call to Bob, 5 his to her.
    hers = re.compile(
        r"(?<=SIP/)(?:4930901820|\*{10})(?=@)|(?<=SIP/)(?:0\+4930901820|\*{12})(?=@)"
        r"|'cid_num': (?:'4930901820'|None), 'note': (?:'A'|None)"
    )

    def row(self, caller: str, callee: str) -> dict[str, object]:
        dialled = "&".join(f"SIP/{each}@trunk" for each in (caller, callee) if each)
        caller = caller.replace("%2B", "+")  # only dial strings are encoded
        note = "B" if caller in {"0309018200", BOB.value} else "A"
        return {"appdata": f"{dialled},30,tT", "cid_num": caller or None, "note": note}

    def changes(self, record: Record) -> Mapping[str, object]:
        return {"note": "corrected"} if record.data["id"] == 1 else {}


class TestDocument(ConnectorSuite):
    """Members of JSON in a text column, with recordings beside them."""

    @pytest.fixture
    def harness(self, url: str) -> DocumentHarness:
        return DocumentHarness(url)


class TestPieces(ConnectorSuite):
    """Pieces of a dial string, and a column of its own beside it."""

    @pytest.fixture
    def harness(self, url: str) -> PieceHarness:
        return PieceHarness(url)
