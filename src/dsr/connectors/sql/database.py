"""Connections, and what the database's errors mean.

The text of a database error may quote values, and a URL holds a password: neither is repeated.
What is told is the table, the database's own error code and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dsr.errors import ConfigurationError, Refused, StoreError, StoreUnavailable
from dsr.settings import database_url

__all__ = ["connect", "is_writable_file", "mapped"]

_FIXES: Final = {
    "42501": "grant the database user the right to do this",
    "25006": "the server is read-only: use the address of the primary",
    "SQLITE_READONLY": "let dsr write the database file and its folder",
    "SQLITE_CANTOPEN": "let dsr write the folder of the database file",
    "SQLITE_BUSY": "another program holds the database file: try again",
}


@contextmanager
def connect(store: str, url: str, folder: Path) -> Iterator[sa.Connection]:
    """Open a connection for as long as the block lasts; leaving it rolls back what is open.

    Raises `StoreUnavailable` when the database cannot be reached.
    """
    engine = _engine(store, url, folder)
    try:
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            what = f"cannot connect to the database ({_code(error)})"
            fix = "check that it runs, and host, database name and login in its url"
            raise StoreUnavailable(store, what, fix) from None
        with connection:
            yield connection
    finally:
        engine.dispose()


def _engine(store: str, url: str, folder: Path) -> sa.Engine:
    try:
        parsed = sa.make_url(database_url(url, folder))
        file = _file(parsed)
        if file is not None and not file.exists():  # SQLite would make an empty one
            what = "the database file does not exist"
            raise StoreUnavailable(store, what, f"check stores.{store}.url")
        return sa.create_engine(parsed, poolclass=NullPool, hide_parameters=True)
    except ConfigurationError as error:
        raise StoreUnavailable(store, error.what, error.fix) from None
    except (ModuleNotFoundError, NoSuchModuleError):
        what = "the driver of the database is not installed"
        fix = 'for PostgreSQL install "dsr[postgresql]" and write postgresql+psycopg://…'
        raise StoreUnavailable(store, what, fix) from None
    except (SQLAlchemyError, ValueError):
        what = "its url is not a database URL"
        raise StoreUnavailable(store, what, "write dialect+driver://user@host/database") from None


def _file(url: sa.URL) -> Path | None:
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
        return None
    return Path(name)


def is_writable_file(connection: sa.Connection) -> bool:
    """Return False if the database is a file that this process may not write."""
    file = _file(connection.engine.url)
    return file is None or os.access(file, os.W_OK)


@contextmanager
def mapped(store: str, table: str, *, writing: bool = False) -> Iterator[None]:
    """Turn the database's errors inside the block into `StoreError`.

    `Refused` when it was asked to write and does not take these values; else
    `StoreUnavailable`.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _meaning(store, table, error, writing=writing) from None


def _meaning(store: str, table: str, error: SQLAlchemyError, *, writing: bool) -> StoreError:
    code = _code(error)
    if writing and isinstance(error, IntegrityError | DataError):
        what = f"table {table} does not take the change ({code})"
        fix = "a constraint, or the type or length of a column, forbids it"
        return Refused(store, what, fix)
    fix = next((fix for start, fix in _FIXES.items() if code.startswith(start)), "")
    what = f"the database could not {'change' if writing else 'read'} table {table} ({code})"
    return StoreUnavailable(store, what, fix or "look the code up in the database's manual")


def _code(error: SQLAlchemyError) -> str:
    """Return the database's own name for an error; never its text."""
    origin = getattr(error, "orig", None)
    for name in ("sqlstate", "sqlite_errorname"):
        code = getattr(origin, name, None)
        if isinstance(code, str):
            return code
    return type(origin or error).__name__
