"""Which rights the database user lacks, asked of the database without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.database import is_writable_file
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


def _of_mariadb(connection: sa.Connection, bound: Bound, changed: Iterable[str]) -> Missing:
    schema, table = bound.map.place
    for right, names in (("SELECT", [each.name for each in bound.fields]), ("DELETE", ())):
        lacked = _lacked_in_mariadb(connection, schema, table, right, names)
        if lacked is not None:
            yield right, lacked
    lacked = _lacked_in_mariadb(connection, schema, table, "UPDATE", changed)
    if lacked is not None:
        yield "UPDATE", lacked
    if connection.execute(sa.text("SELECT @@read_only")).scalar():
        yield "the server is read-only: set `url` to the primary", []


_GRANTS: Final = sa.text(
    """
    SELECT '' FROM information_schema.user_privileges
     WHERE privilege_type = :right AND grantee IN :grantees
    UNION SELECT '' FROM information_schema.schema_privileges
     WHERE privilege_type = :right AND grantee IN :grantees
       AND coalesce(:schema, database()) LIKE table_schema
    UNION SELECT '' FROM information_schema.table_privileges
     WHERE privilege_type = :right AND grantee IN :grantees
       AND table_schema = coalesce(:schema, database()) AND table_name = :table
    UNION SELECT column_name FROM information_schema.column_privileges
     WHERE privilege_type = :right AND grantee IN :grantees
       AND table_schema = coalesce(:schema, database()) AND table_name = :table
    """
).bindparams(sa.bindparam("grantees", expanding=True))


def _lacked_in_mariadb(
    connection: sa.Connection, schema: str | None, table: str, right: str, names: Iterable[str]
) -> list[str] | None:
    """Return the columns that a right is missing for (none: for the table); None if it is held."""
    user, host = str(connection.execute(sa.text("SELECT CURRENT_USER()")).scalar()).rsplit("@", 1)
    roles = connection.execute(sa.text("SELECT role_name FROM information_schema.enabled_roles"))
    grantees = [f"'{user}'@'{host}'", *(f"'{each}'@''" for each in roles.scalars() if each)]
    asked = {"right": right, "grantees": grantees, "schema": schema, "table": table}
    held = set(connection.execute(_GRANTS, asked).scalars())
    if "" in held:
        return None
    wanted = list(names)
    lacked = [each for each in wanted if each not in held]
    if not wanted:
        return []
    return lacked or None
