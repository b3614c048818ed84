"""Which rights the database user lacks, asked of the database without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.database import is_writable_file
from dsr.connectors.sql.grants import grants_of
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.connectors.sql.paths import column_of
from dsr.model import Finding

__all__ = ["missing_rights"]

#: What needs which right, as a sentence ends.
_NEEDS: Final = {
    "SELECT": "to find anything in it",
    "DELETE": "to erase rows",
    "UPDATE": "to redact, correct or restrict rows",
}


def missing_rights(connection: sa.Connection, bound: Bound) -> Iterator[Finding]:
    """Yield what the user may not do with a table, one sentence for each right."""
    place = f"table {bound.map.name}"
    changed = _changed(bound)
    dialect = connection.dialect.name
    if dialect == "postgresql":
        missing = _of_postgresql(connection, bound, changed)
    elif dialect in DIALECTS:
        missing = _of_mariadb(connection, bound, changed)
    else:
        if not is_writable_file(connection):
            text = f"{place}: dsr may only read it: let dsr write the database file and its folder"
            yield Finding("right", text)
        return
    for right, columns in missing:
        if right in _NEEDS:
            named = f" ({', '.join(columns)})" if columns else ""
            yield Finding("right", f"{place}: grant {right}{named} {_NEEDS[right]}")
        else:
            yield Finding("right", f"{place}: {right}")


def _changed(bound: Bound) -> list[str]:
    """Return the columns that a redaction or a restriction writes."""
    keys = set() if bound.whole else {each.name for each in bound.key}
    about = {column_of(name) for side in bound.map.sides for name in bound.about(side)}
    named = (about | {bound.map.restricted}) - keys
    return [each.name for each in bound.fields if each.name in named and not each.formula]


Missing = Iterator[tuple[str, list[str]]]


def _of_postgresql(connection: sa.Connection, bound: Bound, changed: Iterable[str]) -> Missing:
    table = connection.dialect.identifier_preparer.format_table(bound.table)

    def lacks(right: str, names: Iterable[str]) -> list[str]:
        asked = list(names)
        if not asked:
            return []
        rights = [sa.func.has_column_privilege(table, each, right) for each in asked]
        held = connection.execute(sa.select(*rights)).one()
        return [name for name, has in zip(asked, held, strict=True) if not has]

    if unread := lacks("SELECT", (each.name for each in bound.fields)):
        yield "SELECT", unread
    if not connection.execute(sa.select(sa.func.has_table_privilege(table, "DELETE"))).scalar():
        yield "DELETE", []
    if fixed := lacks("UPDATE", changed):
        yield "UPDATE", fixed
    if connection.execute(sa.select(sa.func.row_security_active(table))).scalar():
        yield "row security hides rows from this user: give it BYPASSRLS, or a policy for all", []
    if connection.execute(sa.text("SELECT pg_is_in_recovery()")).scalar():
        yield "the server is a replica, which takes no changes: set `url` to the primary", []


def _of_mariadb(connection: sa.Connection, bound: Bound, changed: list[str]) -> Missing:
    grants = grants_of(connection, *bound.map.place)
    asked = {"SELECT": [each.name for each in bound.fields], "DELETE": [], "UPDATE": changed}
    for right, names in asked.items():
        missing = grants.lacks(right, names)
        if missing is not None and (names or right == "DELETE"):
            yield right, missing
    if connection.execute(sa.text("SELECT @@read_only")).scalar():
        yield "the server is read-only: set `url` to the primary", []
