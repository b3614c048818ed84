"""What an erasure in a database leaves behind, and where: true of a store in order, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from dsr.connectors.sql.bound import Bound
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.model import Finding

__all__ = ["traces_of_database", "traces_of_table"]

#: Where copies of rows lie outside the tables, by dialect.
_PLACES: Final = {
    "postgresql": (
        "erased rows stay in the files of the table until VACUUM and new rows overwrite them, and"
        " in the write-ahead log, its archive, replicas and backups until those expire"
    ),
    "sqlite": (
        "erased rows stay in backups and copies of the database file, and in its write-ahead log"
        " while another program reads"
    ),
}
_MARIADB: Final = (
    "erased rows stay in the undo log and in free pages until they are overwritten, and in"
    " {log}replicas and backups until those expire"
)

_TRIGGERS: Final = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:place AS regclass)"
    " AND NOT tgisinternal AND (tgtype & 28) <> 0 ORDER BY tgname",  # INSERT 4, DELETE, UPDATE
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    " ORDER BY name",
    "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE"
    " event_object_schema = coalesce(:schema, database()) AND event_object_table = :table"
    " ORDER BY trigger_name",
}
_PUBLICATIONS: Final = (
    "SELECT pubname FROM pg_publication_tables JOIN pg_class ON relname = tablename"
    " JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = schemaname"
    " WHERE pg_class.oid = CAST(:place AS regclass) ORDER BY pubname"
)
_KIND: Final = (
    "SELECT table_type FROM information_schema.tables WHERE"
    " table_schema = coalesce(:schema, database()) AND table_name = :table"
)


def traces_of_database(connection: sa.Connection) -> Iterator[Finding]:
    """Yield where the database as a whole keeps copies of rows."""
    text = _PLACES.get(connection.dialect.name, "")
    if connection.dialect.name in DIALECTS:
        logged = connection.execute(sa.text("SELECT @@log_bin")).scalar()
        text = _MARIADB.format(log="the binary log, " if logged else "")
    if text:
        yield Finding("left", text)


def traces_of_table(connection: sa.Connection, bound: Bound) -> Iterator[Finding]:
    """Yield who makes copies of the rows of a table: triggers, change data capture, history."""
    dialect = "mysql" if connection.dialect.name in DIALECTS else connection.dialect.name
    name = bound.map.name
    schema, table = bound.map.place
    quoted = connection.dialect.identifier_preparer.format_table(bound.table)
    values = {"place": quoted, "schema": schema, "table": table}

    def names(sql: str) -> list[str]:
        statement = sa.text(sql)
        used = {each: values[each] for each in statement.compile().params}
        return list(connection.execute(statement, used).scalars())

    if dialect in _TRIGGERS and (found := names(_TRIGGERS[dialect])):
        text = f"triggers on it ({', '.join(found)}) may copy rows: map the tables they write to"
        yield Finding("left", f"table {name}: {text}")
    if dialect == "postgresql" and (found := names(_PUBLICATIONS)):
        text = f"it is published ({', '.join(found)}): erase at the subscribers, too"
        yield Finding("left", f"table {name}: {text}")
    if dialect == "mysql" and names(_KIND) == ["SYSTEM VERSIONED"]:
        text = "it keeps every earlier version of a row: delete its history after each erasure"
        yield Finding("left", f"table {name}: {text}")
