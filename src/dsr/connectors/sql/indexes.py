"""Which columns the database can search by an index."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.fields import Field
from dsr.connectors.sql.tables import Side
from dsr.connectors.sql.values import FOLDED

__all__ = ["are_indexed", "leading", "wanted_index"]


def are_indexed(connection: sa.Connection, bound: Bound, sides: list[Side]) -> bool:
    """Return whether an index serves every one of the sides."""
    fields = {each.name: each for each in bound.fields}
    if any(side.match != "equal" or side.column not in fields for side in sides):
        return False
    if connection.dialect.name == "sqlite":
        return all(_explained(connection, bound, side, fields[side.column]) for side in sides)
    columns = leading(connection, bound)
    return all(_bare(wanted_index(side, fields[side.column])) in columns for side in sides)


def wanted_index(side: Side, field: Field) -> str:
    """Return what an index that serves a side is on: a column, or an expression."""
    is_folded = side.kind in FOLDED and field.folded is not field.read
    return f"lower({side.column})" if is_folded else side.column


def leading(connection: sa.Connection, bound: Bound) -> frozenset[str]:
    """Return what comes first in any index of a table (not on SQLite, which cannot list all)."""
    schema, name = bound.map.place
    indexes = sa.inspect(connection).get_indexes(name, schema)
    firsts = [(each.get("expressions") or each["column_names"])[0] for each in indexes]
    return frozenset(_bare(each) for each in (*firsts, *bound.primary[:1]))


def _bare(expression: str | None) -> str:
    """Return the expression of an index without the casts and quotes that databases add."""
    return re.sub(r"::\w+|[\s\"`()]", "", expression or "").lower()


def _explained(connection: sa.Connection, bound: Bound, side: Side, field: Field) -> bool:
    """Ask SQLite how it would search; SQLAlchemy cannot list its indexes on expressions."""
    searched = sa.func.lower(field.column) if side.kind in FOLDED else field.column
    select: sa.Select[Any] = (
        sa.select(sa.literal_column("1")).select_from(bound.table).where(searched == "")
    )
    sql = select.compile(connection, compile_kwargs={"literal_binds": True})
    plan = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}"))
    return all(step.detail.startswith("SEARCH") for step in plan)
