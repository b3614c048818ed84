"""The laws of every connector, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.model import Record
from dsr.testing import ConnectorSuite, Harness
from tests.connectors.sql_stores import (
    ACC,
    ALICE,
    BOB,
    CDR,
    acc_table,
    call,
    cdr_table,
    fill,
    raw,
    rows_of,
    store,
    transaction,
    url,
)

__all__ = ["url"]

#: Who calls whom: three rows of Alice alone, two that she shares with Bob, one of Bob.
CALLS: Final = [
    ("+4930901820", ""),
    ("", "030901820"),
    ("+4930901820", "004930901820"),
    ("4930901820", "+49309018200"),
    ("0309018200", "0+4930901820"),
    ("+49309018200", "+4930901822"),
]
HERS_ALONE, SHE_CALLS, SHE_IS_CALLED = (1, 2, 3), 4, 5


class CallsHarness(Harness):
    """A table with a caller and a callee, filled and read without the connector."""

    subject = ALICE
    bystander = BOB
    entry = "sql"

    def __init__(
        self,
        url: str,
        mapped: dict[str, Any],
        table: sa.Table,
        row: Callable[[int, str, str], dict[str, object]],
        number: str,
    ) -> None:
        """Configure the connector; `number` is the column that numbers the rows."""
        self.url, self.mapped, self.table = url, mapped, table
        self.row, self.number = row, number
        self.connector = store(url, mapped, str(table.name))
        marks = {"restrict"} if "restricted" in mapped else set()
        self.verbs = frozenset({"erase", "redact", "rectify", "split", "check", "aged"} | marks)
        caller, callee = mapped["sides"][:2]
        self.fields = {SHE_CALLS: caller["about"], SHE_IS_CALLED: callee["about"]}

    def seed(self) -> int:
        rows = [self.row(number, *pair) for number, pair in enumerate(CALLS, start=1)]
        fill(self.url, self.table, rows)
        return 5

    def more(self, number: int) -> bool:
        if self.mapped is not CDR:  # once for each server will do
            return False
        first = len(rows_of(self.url, self.table)) + 1
        rows = [self.row(each, "+4930901820", "") for each in range(first, first + number)]
        with raw(self.url) as connection:
            connection.execute(self.table.insert(), rows)
        return True

    def count(self) -> int:
        rows = rows_of(self.url, self.table)
        return sum(any(_is_alices(str(value)) for value in row.values()) for row in rows)

    def others(self) -> bytes:
        kept = [
            {name: value for name, value in row.items() if not self._is_hers(row, name)}
            for row in rows_of(self.url, self.table)
            if row[self.number] not in HERS_ALONE
        ]
        return repr(kept).encode()

    def _is_hers(self, row: dict[str, Any], name: str) -> bool:
        hers = self.fields.get(row[self.number], ())
        return name in hers or bool(hers and name == "blocked")

    def changes(self, record: Record) -> Mapping[str, object]:
        if record.data[self.number] != 1:
            return {}
        return {self.mapped["sides"][0]["about"][1]: "corrected"}

    def unreachable(self) -> Sql:
        return store("sqlite:////nowhere/calls.db", self.mapped, str(self.table.name))


def _is_alices(text: str) -> bool:
    """Return whether a text holds Alice's digits, and not Bob's with the one more."""
    return re.search(r"30901820(?!\d)", text) is not None


class TestAsterisk(ConnectorSuite):
    """`cdr`: keyed by columns that the configuration names, with a column that restricts."""

    @pytest.fixture
    def harness(self, url: str) -> CallsHarness:
        return CallsHarness(url, CDR, cdr_table(), call, "sequence")


class TestKamailio(ConnectorSuite):
    """`acc`: a primary key, every column NOT NULL, searched by number and by SIP address."""

    @pytest.fixture
    def harness(self, url: str) -> CallsHarness:
        return CallsHarness(url, ACC, acc_table(), transaction, "id")


class TestInsideText(ConnectorSuite):
    """The same with sides that look inside text."""

    @pytest.fixture
    def harness(self, url: str) -> CallsHarness:
        sides = [each | {"match": "contains"} for each in CDR["sides"]]
        return CallsHarness(url, CDR | {"sides": sides}, cdr_table(), call, "sequence")
