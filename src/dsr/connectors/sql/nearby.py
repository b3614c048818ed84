"""Names that a database does have, for who wrote one that it has not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from dsr.connectors.sql.tables import TableMap

__all__ = ["columns_like", "tables_like"]


def columns_like(absent: Iterable[str], columns: Sequence[str]) -> str:
    """Return the question which columns were meant; empty where none is near."""
    near = [_near(each, columns) for each in absent]
    return _question([each for each in near if each])


def tables_like(inspector: sa.Inspector, map_: TableMap) -> str:
    """Return the question which table or view was meant; empty where none is near.

    A table of the same name in another schema is near, too.
    """
    schema, name = map_.place
    schemas = inspector.get_schema_names()
    if schema is not None and schema not in schemas:
        other = _near(schema, schemas)
        return _question([f"{other}.{name}"] if other else [])
    prefix = f"{schema}." if schema is not None else ""
    near = _near(name, _tables(inspector, schema))
    if near:
        return _question([prefix + near])
    for other in schemas:
        if name in _tables(inspector, other):
            return _question([f"{other}.{name}"])
    return ""


def _tables(inspector: sa.Inspector, schema: str | None) -> list[str]:
    return [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]


def _near(name: str, names: Sequence[str]) -> str:
    """Return the name that is nearest, without regard to case; empty where none is near."""
    by_fold = {each.lower(): each for each in reversed(names)}
    found = difflib.get_close_matches(name.lower(), by_fold, n=1)
    return by_fold[found[0]] if found else ""


def _question(names: Iterable[str]) -> str:
    quoted = ", ".join(f'"{each}"' for each in dict.fromkeys(names))
    return f"did you mean {quoted}? " if quoted else ""
