"""The database behind a ledger: short transactions, in SQLite or PostgreSQL, errors mapped.

Several calls can share one transaction (`Database.transaction`); the audit entries of all of
them are appended at its end, so that the head of the chain is locked for a moment only.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError, StatementError

from dsr.errors import LedgerError
from dsr.ledger import chain, schema
from dsr.ledger.keys import Keys
from dsr.ledger.tables import NaiveTimeError

__all__ = ["Database", "Part", "Unit"]

_WAIT: Final = 60  # seconds to wait for another writer
_TRIES: Final = 500  # to change how a new file is written, while others do the same
_PAUSE: Final = 0.02  # seconds between them
_PAGE: Final = 500  # rows that an iterator reads at once


@define
class Unit:
    """One transaction: its connection, and the audit entries to append when it ends."""

    connection: Connection
    actor: str = ""
    entries: list[dict[str, Any]] = field(factory=list)

    def note(
        self,
        event: str,
        *,
        at: dt.datetime,
        request: str = "",
        store: str = "",
        category: str = "",
        counts: Mapping[str, int] | None = None,
        note: str = "",
    ) -> None:
        """Append an audit entry when the transaction ends. It may hold no personal data."""
        if at.tzinfo is None:
            msg = "an audit entry needs a time with its zone"
            raise NaiveTimeError(msg)
        self.entries.append(
            ({"by": self.actor} if self.actor else {})
            | {
                "at": at.astimezone(dt.UTC).isoformat(),
                "event": event,
                "request": request,
                "store": store,
                "category": category,
                "counts": dict(counts or {}),
                "note": note,
            }
        )

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT, which both dialects spell alike."""
        if self.connection.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)


@frozen(eq=False)
class Database:
    """An open ledger's engine and keys, and who of the staff works with it (`actor`)."""

    engine: Engine = field(repr=False)
    keys: Keys = field(repr=False)
    actor: str = ""
    _unit: ContextVar[Unit | None] = field(
        factory=lambda: ContextVar("unit", default=None), init=False, repr=False
    )

    @classmethod
    def open(cls, url: str, key: bytes) -> Database:
        """Connect, upgrade the schema and check the key; raises `LedgerError`."""
        keys = Keys.of(key)
        with _mapped():
            database = cls(_engine(url), keys)
        try:
            with database.reading() as connection:
                ready = schema.current(connection) == schema.HEAD
                if ready:
                    schema.check_key(connection, keys)
            if not ready:
                with database.writing() as unit:
                    schema.upgrade(unit.connection, keys)
        except BaseException:
            database.engine.dispose()
            raise
        return database

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make all calls of this thread inside the block one transaction."""
        if self._unit.get() is not None:
            yield
            return
        with _mapped():
            connection = self.engine.connect().execution_options(dsr_write=True)
        try:
            with _mapped():
                connection.begin()
            unit = Unit(connection, self.actor)
            token = self._unit.set(unit)
            try:
                yield
            finally:
                self._unit.reset(token)
            with _mapped():
                chain.append(connection, self.keys, unit.entries)
                connection.commit()
        finally:
            with _mapped():
                connection.close()  # rolls back what is not committed

    @property
    def joined(self) -> bool:
        """Whether this thread is inside a transaction that joins several calls."""
        return self._unit.get() is not None

    @contextmanager
    def writing(self) -> Generator[Unit]:
        """Yield the transaction of this thread, or a new one."""
        with self.transaction():
            unit = self._unit.get()
            assert unit is not None  # noqa: S101  (transaction() has just set it)
            with _mapped():
                yield unit

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Yield a connection to read from: the transaction's own, if there is one."""
        unit = self._unit.get()
        with _mapped():
            if unit is not None:
                yield unit.connection
            else:
                with self.engine.connect() as connection:
                    yield connection


class Part:
    """What the parts of a ledger have in common."""

    #: Rows that an iterator reads at once.
    page = _PAGE

    def __init__(self, database: Database) -> None:
        """Stand on an open database."""
        self._database = database
        self._keys = database.keys


@contextmanager
def _mapped() -> Generator[None]:
    """Map the errors of the database; their texts can hold URLs and values, so none is kept."""
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, NaiveTimeError):
            raise NaiveTimeError(*error.orig.args) from None
        kind, operational = type(error).__name__, isinstance(error, OperationalError)
    except (SQLAlchemyError, sqlite3.Error) as error:
        kind, operational = type(error).__name__, isinstance(error, sqlite3.OperationalError)
    else:
        return
    if operational:
        what = "the ledger's database cannot be reached or is busy"
        fix = "check that it runs, that its folder exists, and its login"
        raise LedgerError(what, fix) from None
    what = f"the ledger's database refused a statement ({kind})"
    raise LedgerError(what) from None


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        what = "the ledger's URL is not one"
        raise LedgerError(what, 'write "sqlite:///dsr.db" or "postgresql+psycopg://…"') from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        try:
            return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
        except ImportError:
            what = "the driver of the ledger's database is not installed"
            raise LedgerError(what, 'pip install "dsr[postgresql]"') from None
    what = "the ledger's database is of a kind that is not known"
    raise LedgerError(what, "use SQLite or PostgreSQL")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        what = "a ledger in memory would be forgotten"
        raise LedgerError(what, 'name a file: "sqlite:///dsr.db"')
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _WAIT})

    def connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        _write_ahead(connection)
        for setting in (
            "synchronous=FULL",  # a commit survives a power cut
            "secure_delete=ON",  # what is deleted is overwritten
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {setting}")

    def begin(connection: Connection) -> None:
        # a writer that begins by reading could not be upgraded while another writes
        write = connection.get_execution_options().get("dsr_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    _create_private(Path(url.database))
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Use write-ahead logging; when several open a new file at once, SQLite does not wait here."""
    for more in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not more or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _create_private(path: Path) -> None:
    """Create the file so that only its owner can read it; SQLite's other files follow it.

    A file that exists is not touched: closing it would drop the locks that SQLite holds on it
    for other connections of this process.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        what = f"the ledger's file cannot be opened ({error.strerror})"
        raise LedgerError(what, "check that its folder exists and its permissions") from None
