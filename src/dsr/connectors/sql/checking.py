"""What is wrong with a column map, told before any request: findings for `dsr check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound, bind
from dsr.connectors.sql.clock import Clock
from dsr.connectors.sql.indexes import are_indexed, leading, wanted_index
from dsr.connectors.sql.looking import is_decorated, looked_at
from dsr.connectors.sql.paths import is_path
from dsr.connectors.sql.rights import missing_rights
from dsr.connectors.sql.tables import TableMap
from dsr.connectors.sql.traces import traces_of_table
from dsr.errors import StoreUnavailable
from dsr.model import Finding

__all__ = ["findings"]

#: Rows that are looked at to see how numbers are spelled.
_SAMPLE: Final = 1000
#: Bytes from which on it matters that a table is read as a whole.
_LARGE: Final = 64 * 1024 * 1024


def findings(connection: sa.Connection, table: TableMap, clock: Clock) -> Iterator[Finding]:
    """Yield what is wrong with one table's map, or slow about it; changes nothing."""
    place = f"table {table.name}"
    try:
        bound = bind(connection, table, clock)
    except StoreUnavailable as error:
        yield Finding("fault", str(error))
        return
    absent = [each for each in table.secret if each not in bound.table.c]
    if absent:
        names = ", ".join(absent)
        text = f"{place}: no secret column {names} is seen: correct the name if it is a slip"
        yield Finding("advice", text)
    if clock.zone is None:
        yield from _naive(bound, place, clock)
    yield from looked_at(connection, bound)
    yield from _slow(connection, bound, place)
    yield from _spelled(connection, bound, place)
    yield from _ambiguous(connection, bound, place)
    yield from _crawling(connection, bound, place)
    yield from missing_rights(connection, bound)
    yield from traces_of_table(connection, bound)


def _naive(bound: Bound, place: str, clock: Clock) -> Iterator[Finding]:
    naive = [each.name for each in bound.fields if each.naive]
    if naive:
        text = f"{place}: timestamps have no time zone ({', '.join(naive)}): {clock.fix}"
        yield Finding("fault", text)


def _slow(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    """Find the columns that are searched without an index: one is enough to read every row."""
    for side in bound.map.sides:
        if side.match == "equal" and not are_indexed(connection, bound, [side]):
            inside = is_path(side.column)
            wanted = side.column if inside else wanted_index(side, bound.field(side.column))
            text = (
                f"{place}: {wanted} is searched without an index, so that every request reads"
                " the whole table: create an index on it"
            )
            yield Finding("advice", text)


def _spelled(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    """Look at some rows for numbers that comparing whole values would miss."""
    sides = [each for each in bound.map.sides if each.kind == "phone" and each.match == "equal"]
    columns = dict.fromkeys(each.column for each in sides if not is_path(each.column))
    for column in columns:
        read = bound.field(column).read
        rows = connection.execute(
            sa.select(read).select_from(bound.table).where(read.is_not(None)).limit(_SAMPLE)
        )
        if any(is_decorated(value) for (value,) in rows):
            text = (
                f"{place}: column {column} holds numbers with separators or in a URI: set"
                f' match = "contains" on its side, or they are not found'
            )
            yield Finding("fault", text)


def _ambiguous(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    """Find out whether a configured key names one row, where the database does not see to it."""
    if bound.unique or bound.whole:
        return
    twins = (
        sa.select(sa.literal(1))
        .select_from(bound.table)
        .group_by(*(each.read for each in bound.key))
        .having(sa.func.count() > 1)
        .limit(1)
    )
    if connection.execute(twins).first() is not None:
        text = f"{place}: two rows have the same key: add a column to `key`, or leave it out"
        yield Finding("fault", text)


def _crawling(connection: sa.Connection, bound: Bound, place: str) -> Iterator[Finding]:
    """Find out what makes PostgreSQL plan badly, and changes read a large table again and again."""
    if connection.dialect.name != "postgresql":
        return
    name = connection.dialect.identifier_preparer.format_table(bound.table)
    known = "SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)"
    rows = connection.execute(sa.text(known), {"name": name}).scalar_one()
    size = connection.execute(sa.select(sa.func.pg_relation_size(name))).scalar_one()
    if rows < 0 and size > _LARGE:
        text = f"{place}: it was never analysed, so that searches may read all of it: ANALYZE it"
        yield Finding("advice", text)
    if not bound.whole and not bound.unique and size > _LARGE:
        key = {each.name for each in bound.key}
        if not key & leading(connection, bound):
            text = (
                f"{place}: its key has no index, so that 5,000 rows to erase or redact read the"
                f" whole table: create one on {bound.key[0].name}"
            )
            yield Finding("advice", text)
