"""A large table in parts that can be read side by side: ranges of its primary key.

A primary key does not change while other programs work in the table, so that each row is in
exactly one part, whenever the parts are read (the place of a row on disk does change). Only what
has to be read as a whole is worth it: a table that is searched without an index, or inside text.
"""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from attrs import field, frozen

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.indexes import are_indexed

__all__ = ["Part", "parts_of", "within"]

#: Rows that a part is meant to have: what is found in it is held in memory.
_ROWS: Final = 100_000
#: So many parts at most, however many numbers a key has left out.
_MOST: Final = 256

_UUIDS: Final = 2**128


@frozen
class Part:
    """The rows of one table with `since <= key < before`; an end that is None is open."""

    table: str
    since: int | uuid.UUID | None = field(default=None, repr=False)
    before: int | uuid.UUID | None = field(default=None, repr=False)


def parts_of(connection: sa.Connection, bound: Bound) -> list[Part]:
    """Return the parts of a table; one where it is small, or searched by indexes."""
    name = bound.map.name
    whole = [Part(name)]
    if not bound.primary or are_indexed(connection, bound, list(bound.map.sides)):
        return whole
    column = bound.field(bound.primary[0]).column
    if isinstance(column.type, sa.Uuid) and connection.dialect.name == "postgresql":
        number = _share(_estimate(connection, bound))
        borders: list[Any] = [uuid.UUID(int=_UUIDS * n // number) for n in range(1, number)]
    else:
        first, last = connection.execute(
            sa.select(sa.func.min(column), sa.func.max(column)).select_from(bound.table)
        ).one()
        if not (type(first) is type(last) is int):
            return whole
        width = last - first + 1
        number = _share(width)
        borders = [first + width * n // number for n in range(1, number)]
    ends = [None, *borders, None]
    return [Part(name, since, before) for since, before in pairwise(ends)]


def within(bound: Bound, part: Part) -> sa.ColumnElement[bool]:
    """Return the condition that a row lies in a part."""
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if part.since is not None or part.before is not None:
        column = bound.field(bound.primary[0]).column
        conditions += [column >= part.since] if part.since is not None else []
        conditions += [column < part.before] if part.before is not None else []
    return sa.and_(*conditions)


def _share(rows: int) -> int:
    return max(1, min(_MOST, rows // _ROWS))


def _estimate(connection: sa.Connection, bound: Bound) -> int:
    """Return about how many rows PostgreSQL believes a table to have."""
    name = connection.dialect.identifier_preparer.format_table(bound.table)
    rows = connection.execute(
        sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)"),
        {"name": name},
    ).scalar_one()
    return int(rows)
