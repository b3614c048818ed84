"""Conditions over many values in one statement, in the form that each database does best.

PostgreSQL takes all values as one array parameter, SQLite as one JSON parameter: neither runs
into a limit on parameters, needs the right to make temporary tables, or loses its indexes. Other
databases take a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

__all__ = ["PARAMETERS", "any_of", "rows_in"]

#: How many parameters one statement may have; SQLite allows 32,766 since version 3.32.
PARAMETERS: Final = 30_000

Condition = sa.ColumnElement[bool]


def any_of(
    dialect: str, values: Sequence[object], array: TypeEngine[Any]
) -> Callable[[sa.ColumnElement[Any]], Condition]:
    """Return a maker of the condition "this column has one of `values`" (not NULL).

    The values travel once, however many columns are compared with them. On SQLite they must be
    text or numbers.
    """
    if dialect == "postgresql":
        many = sa.bindparam(None, list(values), type_=sa.ARRAY(array))
        return lambda column: column == sa.any_(many)
    if dialect == "sqlite":
        text = sa.bindparam(None, json.dumps(list(values)), type_=sa.Text)
        # a new alias for each use, or SQLAlchemy takes the second for the first's
        return lambda column: column.in_(
            sa.select(sa.func.json_each(text).table_valued("value").c.value)
        )
    return lambda column: column.in_(values)


def rows_in(
    dialect: str,
    columns: Sequence[tuple[sa.ColumnElement[Any], TypeEngine[Any]]],
    rows: Sequence[Sequence[object]],
) -> Condition:
    """Return the condition "these columns have the values of one of `rows`" (none NULL)."""
    if dialect == "postgresql":
        arrays = [
            sa.bindparam(None, list(values), type_=sa.ARRAY(array))
            for (_, array), values in zip(columns, zip(*rows, strict=True), strict=True)
        ]
        if len(arrays) == 1:
            return columns[0][0] == sa.any_(arrays[0])
        names = [f"v{number}" for number in range(len(arrays))]
        wanted = sa.func.unnest(*arrays).table_valued(*names).render_derived()
        return sa.tuple_(*(column for column, _ in columns)).in_(sa.select(wanted))
    if len(columns) == 1:
        return columns[0][0].in_([each[0] for each in rows])
    return sa.tuple_(*(column for column, _ in columns)).in_([tuple(each) for each in rows])
