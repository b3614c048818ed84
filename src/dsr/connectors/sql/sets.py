"""Conditions over many values in one statement, in the form that each database does best.

PostgreSQL takes all values as one array parameter, SQLite as one JSON parameter: neither runs
into a limit on parameters, needs the right to make temporary tables, or loses its indexes.
MariaDB takes a list as long as it is short enough to be looked up in indexes, and JSON above.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

__all__ = ["PARAMETERS", "any_of", "rows_in"]

#: Up to so many values MariaDB looks into indexes for a list, at its default settings.
_FEW: Final = 2_000

#: How many parameters one statement may have; SQLite allows 32,766 since version 3.32.
PARAMETERS: Final = 30_000

Condition = sa.ColumnElement[bool]


def any_of(
    dialect: str, values: Sequence[object], array: TypeEngine[Any], *, changing: bool = False
) -> Callable[[sa.ColumnElement[Any]], Condition]:
    """Return a maker of the condition "this column has one of `values`" (not NULL).

    The values travel once, however many columns are compared with them. On SQLite they must be
    text or numbers. `changing`: it is for an UPDATE or DELETE, in which MariaDB would make a
    table of many values anew for each row.
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
    return lambda column: column.in_(values if changing else _listed(values, column.type))


def _listed(
    values: Sequence[object], kind: TypeEngine[Any]
) -> Sequence[object] | sa.Select[tuple[Any]]:
    """Return many values as a table that MariaDB makes of one JSON parameter.

    A list stays one where it is short, and where the column's collation is not known.
    """
    collation = getattr(kind, "collation", None)
    if len(values) <= _FEW or collation is None:
        return values
    # no wider than need be: it is kept in memory at its full width
    text = mysql.VARCHAR(
        max(len(str(each)) for each in values),
        charset=collation.partition("_")[0],
        collation=collation,
    )
    column = f"value {text.compile(dialect=mysql.dialect())} PATH '$'"
    parameter = sa.bindparam(None, json.dumps([str(each) for each in values]), type_=sa.Text)
    table = sa.func.json_table(parameter, sa.text(f"'$[*]' COLUMNS ({column})"))
    return sa.select(table.table_valued("value").c.value)


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
