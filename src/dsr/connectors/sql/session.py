"""How a session with each database is set up: what it sees, how long it waits, how it spells.

Reading is one snapshot: two tables of one reading show one state of the database. Waiting is
bounded, so that no request hangs behind another program's lock, nor that program behind ours.
What the text of a value depends on is fixed, because keys are made of it (`digest.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dsr.connectors.sql.digest import SQLITE_FUNCTION, sqlite_digest
from dsr.connectors.sql.mariadb import DIALECTS

__all__ = ["LOCK_SECONDS", "begin_reading", "begin_writing", "finish_writing", "prepare", "set_up"]

#: How long a statement waits for another program's lock.
LOCK_SECONDS: Final = 10
#: How long one batch of changes may take; reading is not bounded: it may scan a large table.
_CHANGE_SECONDS: Final = 1800
#: How long MariaDB waits for us to take the next rows while the package is written.
_WRITE_SECONDS: Final = 3600

#: PostgreSQL: what the text of a row depends on.
_SPELLING: Final[Mapping[str, str]] = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
}
_READING: Final[Mapping[str, str]] = {
    "statement_timeout": "0",
    "cursor_tuple_fraction": "1",  # all rows are fetched: the last one's time counts
}
_WRITING: Final[Mapping[str, str]] = {
    "statement_timeout": f"{_CHANGE_SECONDS}s",
    "synchronous_commit": "on",  # what is said to be erased does not come back after a crash
}

#: MariaDB: strict, so that nothing is cut off in silence, and zero dates may be named. What
#: stands in /*M! */ is read by MariaDB alone: large lists stay lists, which use indexes.
_MARIADB: Final = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00',"
    " lock_wait_timeout = {lock}, innodb_lock_wait_timeout = {lock}, net_write_timeout = {write}"
    " /*M! , in_predicate_conversion_threshold = 0, max_statement_time = 0 */"
)


def set_up(engine: sa.Engine) -> None:
    """Let every connection of the engine begin as this module wants it."""
    if engine.dialect.name in DIALECTS:
        # before SQLAlchemy looks how names are quoted
        sa.event.listen(engine, "connect", _set_up_mariadb, insert=True)
    elif engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)


def _set_up_mariadb(driver: Any, _: object) -> None:  # noqa: ANN401  (a DBAPI connection)
    with driver.cursor() as cursor:
        cursor.execute(_MARIADB.format(lock=LOCK_SECONDS, write=_WRITE_SECONDS))


def _set_up_sqlite(driver: Any, _: object) -> None:  # noqa: ANN401  (a DBAPI connection)
    driver.create_function(SQLITE_FUNCTION, -1, sqlite_digest, deterministic=True)


def begin_reading(connection: sa.Connection, zone: str) -> None:
    """Begin the one transaction of a reading: a snapshot that changes nothing."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        _configure(connection, {**_SPELLING, **_READING, "timezone": zone})
    elif dialect in DIALECTS:
        connection.execution_options(isolation_level="REPEATABLE READ")
    elif dialect == "sqlite":
        connection.exec_driver_sql("BEGIN")  # the driver would begin at the first change only


def begin_writing(connection: sa.Connection) -> None:
    """Set a connection up for changes, before its first transaction."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED")
    elif dialect in DIALECTS:
        logs, form = connection.execute(sa.text("SELECT @@log_bin, @@binlog_format")).one()
        connection.exec_driver_sql(f"/*M! SET SESSION max_statement_time = {_CHANGE_SECONDS} */")
        connection.rollback()
        if not (logs and form == "STATEMENT"):  # which allows no less than REPEATABLE READ
            # no locks on the gaps between rows: new calls are written meanwhile
            connection.execution_options(isolation_level="READ COMMITTED")
    elif dialect == "sqlite":
        for pragma in (
            "secure_delete = ON",  # freed pages would keep the bytes
            "foreign_keys = ON",  # as the schema says: nothing is left pointing nowhere
            "synchronous = FULL",  # what is said to be erased does not come back
            f"busy_timeout = {LOCK_SECONDS * 1000}",
        ):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.rollback()


def prepare(connection: sa.Connection, zone: str) -> None:
    """Set up a transaction of changes that has just begun."""
    if connection.dialect.name == "postgresql":
        _configure(connection, {**_SPELLING, **_WRITING, "timezone": zone})


def finish_writing(connection: sa.Connection) -> None:
    """Clear what SQLite's write-ahead log still holds of the rows as they were, if it can."""
    if connection.dialect.name == "sqlite":
        with suppress(SQLAlchemyError):  # another program reads: its checkpoint will do it
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.rollback()


def _configure(connection: sa.Connection, settings: Mapping[str, str]) -> None:
    """Set parameters of PostgreSQL for one transaction: a pooled session is left as it was."""
    waiting = {"lock_timeout": f"{LOCK_SECONDS}s"}
    chosen = [
        sa.func.set_config(name, value, sa.true())
        for name, value in {**settings, **waiting}.items()
    ]
    connection.execute(sa.select(*chosen))
