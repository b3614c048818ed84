"""Connections to the database. A URL holds a password: no message repeats it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dsr.connectors.sql.errors import code_of
from dsr.connectors.sql.mariadb import DIALECTS
from dsr.connectors.sql.session import set_up
from dsr.errors import ConfigurationError, StoreUnavailable
from dsr.settings import database_url

__all__ = ["connect", "is_writable_file"]


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
            what = f"cannot connect to the database ({code_of(error)})"
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
        if parsed.get_backend_name() in DIALECTS and "charset" not in parsed.query:
            parsed = parsed.update_query_dict({"charset": "utf8mb4"})  # all of Unicode
        engine = sa.create_engine(parsed, poolclass=NullPool, hide_parameters=True)
    except ConfigurationError as error:
        raise StoreUnavailable(store, error.what, error.fix) from None
    except (ModuleNotFoundError, NoSuchModuleError):
        what = "the driver of the database is not installed"
        fix = (
            'install "dsr[postgresql]" and write postgresql+psycopg://…, or "dsr[mysql]" and'
            " mysql+pymysql://…"
        )
        raise StoreUnavailable(store, what, fix) from None
    except (SQLAlchemyError, ValueError):
        what = "its url is not a database URL"
        raise StoreUnavailable(store, what, "write dialect+driver://user@host/database") from None
    set_up(engine)
    return engine


def _file(url: sa.URL) -> Path | None:
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
        return None
    return Path(name)


def is_writable_file(connection: sa.Connection) -> bool:
    """Return False if the database is a file that this process may not write."""
    file = _file(connection.engine.url)
    return file is None or os.access(file, os.W_OK)
