"""The `sql` connector on many people and many rows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final, cast

import pytest
import sqlalchemy as sa

from dsr.model import Found, Identifier
from tests.connectors.sql_stores import (
    ALICE,
    BOB,
    CDR,
    call,
    cdr_table,
    fill,
    find,
    raw,
    store,
    url,
)
from tests.servers.postgresql import postgresql

__all__ = ["postgresql", "url"]

CROWD: Final = [Identifier("phone", f"+49302{number:06}") for number in range(10_000)]
WHOLE: Final = {name: value for name, value in CDR.items() if name != "key"}
SILENT: Final = {name: value for name, value in CDR.items() if name != "restricted"}


@contextmanager
def selects(table: str) -> Iterator[list[str]]:
    """Collect the statements that read rows of a table."""
    seen: list[str] = []

    def note(*event: Any) -> None:
        if f"FROM {table}" in event[2] and event[2].lstrip().startswith("SELECT"):
            seen.append(event[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("indexed", [True, False])
def test_ten_thousand_people_are_one_statement(url: str, indexed: bool) -> None:
    """Law 6: the store is read once for 10,000 people, each found under any spelling."""
    rows = [call(n, who.value.replace("+49", "0"), ALICE.value) for n, who in enumerate(CROWD)]
    fill(url, cdr_table(indexed=indexed), rows[:500])
    with selects("cdr") as seen:
        founds = find(store(url, CDR), *CROWD, ALICE)
    assert len(seen) == 1
    assert {each.who for each in founds} == {*CROWD[:500], ALICE}
    assert len(founds) == 1000
    pairs = {(each.who, each.record.data["sequence"]) for each in founds if each.who != ALICE}
    assert pairs == {(who, number) for number, who in enumerate(CROWD[:500])}


def test_every_table_is_read_once(url: str) -> None:
    """Tables of one store are read one after another, each by one statement."""
    fill(url, cdr_table(), [call(1, ALICE.value, BOB.value)])
    fill(url, cdr_table("cel"), [call(1, BOB.value, ALICE.value)])
    tables = {"cdr": CDR, "cel": CDR | {"category": "events"}}
    with selects("cdr") as cdr, selects("cel") as cel:
        founds = find(store(url, CDR, tables=tables), ALICE)
    assert len(cdr) == len(cel) == 1
    assert [each.record.category for each in founds] == ["call_records", "events"]


def test_a_table_that_cannot_hold_the_kind_is_not_read(url: str) -> None:
    """No statement for nobody: an empty batch or kind never means everybody."""
    fill(url, cdr_table(), [call(1, "", "")])
    with selects("cdr") as seen:
        assert find(store(url, CDR)) == []
        assert find(store(url, CDR), Identifier("email", "a@example.org")) == []
        assert find(store(url, CDR), Identifier("phone", "")) == []
    assert seen == []


def test_rows_stay_in_the_server_until_they_are_read(postgresql: str) -> None:
    """Law 9: the driver would hold the whole answer outside Python's memory."""
    fill(postgresql, cdr_table(), [call(n, ALICE.value, BOB.value) for n in range(3_000)])
    founds = cast("Generator[Found, None, None]", store(postgresql, CDR).find([ALICE]))
    with closing(founds), raw(postgresql) as connection:
        next(founds)
        sent = sa.text("SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction'")
        assert connection.execute(sent).scalars().one().startswith("FETCH FORWARD")


@pytest.mark.parametrize("mapped", [CDR, WHOLE], ids=["keyed", "whole row"])
def test_memory_does_not_grow_with_rows(url: str, mapped: dict[str, Any]) -> None:
    """Law 9: ten times the rows take no more memory."""
    peaks: list[int] = []
    for number in (3_000, 27_000):
        rows = [call(n, ALICE.value, BOB.value, userfield="x" * 200) for n in range(number)]
        if peaks:
            with raw(url) as connection:
                connection.execute(
                    cdr_table().insert(), [row | {"lastapp": "Dial"} for row in rows]
                )
        else:
            fill(url, cdr_table(), rows)
        peaks.append(_peak(url, mapped, 3_000 if not peaks else 30_000))
    assert peaks[1] < peaks[0] * 1.5


def _peak(url: str, mapped: dict[str, Any], expected: int) -> int:
    if "key" in mapped:  # (uniqueid, sequence) would name two rows
        mapped = mapped | {"key": ["uniqueid", "sequence", "lastapp"]}
    connector = store(url, mapped)
    tracemalloc.start()
    try:
        assert sum(1 for _ in connector.find([ALICE])) == expected
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
