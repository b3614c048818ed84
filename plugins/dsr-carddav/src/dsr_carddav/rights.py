"""What `dsr check` says of a sabre/dav database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from dsr.connectors.sql.database import is_writable_file
from dsr.connectors.sql.grants import grants_of
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.connectors.sql.traces import traces_of_database
from dsr.model import Finding
from dsr_carddav.tables import Tables

__all__ = ["findings"]

_NOTED: Final = (
    "the file names (URI) of erased cards stay in {changes}, by which phones and programs learn"
    " to drop their copies when they synchronise next"
)
_KNOWN: Final = "a redacted card keeps its UID and URI, by which clients know it"
_PHOTOS: Final = (
    "Nextcloud keeps small copies of pictures in its folder appdata_…/dav-photocache: empty it"
)
_RECENT: Final = "recent_contact"


def findings(connection: sa.Connection, tables: Tables, prefix: str) -> Iterator[Finding]:
    """Yield which rights are missing, and what an erasure leaves behind."""
    yield from _missing(connection, tables)
    for text in (_NOTED, _KNOWN):
        yield Finding("left", text.format(changes=tables.changes.name))
    if tables.properties is not None:
        yield Finding("left", _PHOTOS)
    if prefix + _RECENT in sa.inspect(connection).get_table_names():
        text = f"table {prefix}{_RECENT} has copies of cards: map it as a store of its own (sql)"
        yield Finding("left", text)
    yield from traces_of_database(connection)


def _missing(connection: sa.Connection, tables: Tables) -> Iterator[Finding]:
    needs = {
        tables.cards: ("SELECT", "UPDATE", "DELETE"),
        tables.books: ("SELECT", "UPDATE"),
        tables.changes: ("INSERT",),
    }
    if tables.properties is not None:
        needs[tables.properties] = ("SELECT", "INSERT", "DELETE")
    dialect = connection.dialect.name
    if dialect == "sqlite":
        if not is_writable_file(connection):
            yield Finding("right", "let dsr write the database file and its folder")
        return
    for table, rights in needs.items():
        lacks = _of_mariadb if dialect in DIALECTS else _of_postgresql
        for right in lacks(connection, table, rights):
            yield Finding("right", f"table {table.name}: grant {right}")
    replica = "SELECT @@read_only" if dialect in DIALECTS else "SELECT pg_is_in_recovery()"
    if connection.execute(sa.text(replica)).scalar():
        yield Finding("right", "the server takes no changes: set `url` to the primary")


def _of_mariadb(
    connection: sa.Connection, table: sa.TableClause, rights: Sequence[str]
) -> Iterator[str]:
    grants = grants_of(connection, None, table.name)
    yield from (each for each in rights if grants.lacks(each) is not None)


def _of_postgresql(
    connection: sa.Connection, table: sa.TableClause, rights: Sequence[str]
) -> Iterator[str]:
    name = connection.dialect.identifier_preparer.quote(table.name)
    asked = [sa.func.has_table_privilege(name, each) for each in rights]
    held = connection.execute(sa.select(*asked)).one()
    yield from (right for right, has in zip(rights, held, strict=True) if not has)
    if "INSERT" in rights:
        sequence = sa.func.pg_get_serial_sequence(name, "id")
        usable = sa.func.has_sequence_privilege(sequence, "USAGE")
        if connection.execute(sa.select(usable)).scalar() is False:
            yield "USAGE on the sequence of its id"
