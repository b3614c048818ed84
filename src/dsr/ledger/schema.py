"""The ledger's schema: created and upgraded by the migrations that ship with the package."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Text, column, insert, inspect, select, table, text

from dsr.errors import LedgerError
from dsr.ledger import chain
from dsr.ledger.keys import Keys
from dsr.ledger.tables import ledger

__all__ = ["HEAD", "VERSION_TABLE", "check_key", "current", "upgrade"]

#: The newest revision in `migrations/versions`.
HEAD: Final = "0003"
#: Where the revision of a database is noted; its own name, to share a database with others.
VERSION_TABLE: Final = "dsr_version"
_LOCK: Final = 0x6473725F6C656467  # PostgreSQL's advisory lock of whoever upgrades: "dsr_ledg"


def current(connection: Connection) -> str | None:
    """Return the revision of the database, None for an empty one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    query = select(column("version_num", Text)).select_from(table(VERSION_TABLE))
    revision: str | None = connection.execute(query).scalar_one_or_none()
    return revision


def upgrade(connection: Connection, keys: Keys) -> None:
    """Bring the schema to `HEAD` and check the key, in the transaction of `connection`.

    One process does it, others wait. Raises `LedgerError` if the schema is a newer dsr's.
    """
    if connection.dialect.name == "postgresql":  # SQLite's transactions exclude each other
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = current(connection)
    if before != HEAD:
        _migrate(connection, before)
    if before is None:
        row = {"id": 1, "key_check": keys.check, "holds_version": 0}
        connection.execute(insert(ledger).values(row))
        chain.start(connection, keys)
    check_key(connection, keys)


def _migrate(connection: Connection, before: str | None) -> None:
    # imported late: an up-to-date ledger opens without Alembic
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        if before is not None:
            ScriptDirectory.from_config(config).get_revision(before)
    except CommandError:
        what = "the ledger was written by a newer dsr"
        raise LedgerError(what, "upgrade dsr on this machine") from None
    command.upgrade(config, "head")


def check_key(connection: Connection, keys: Keys) -> None:
    """Raise `LedgerError` unless the key is the one that the ledger was made with."""
    stored = connection.execute(select(ledger.c.key_check).where(ledger.c.id == 1)).scalar()
    if stored is None:
        what = "the ledger does not say whose key it has"
        raise LedgerError(what, "restore it from a backup")
    if not hmac.compare_digest(stored, keys.check):
        what = "this key is not the one that the ledger was made with"
        raise LedgerError(what, "use the key file of this ledger")
