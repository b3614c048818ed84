"""A connection for what the `sql` connector has no verb for.

The text of a database error may quote values, and a URL holds a password: neither is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from dsr.errors import StoreUnavailable
from dsr.settings import database_url

__all__ = ["connect"]


@contextmanager
def connect(store: str, url: str, folder: Path) -> Iterator[sa.Connection]:
    """Open a connection for reading.

    Raises `StoreUnavailable` for whatever the database refuses.
    """
    try:
        engine = sa.create_engine(
            database_url(url, folder), poolclass=NullPool, hide_parameters=True
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        what = f"the database did not answer ({type(getattr(error, 'orig', error)).__name__})"
        raise StoreUnavailable(store, what, "check that it runs, and its user's rights") from None
