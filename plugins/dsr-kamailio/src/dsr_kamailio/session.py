"""A connection to Kamailio's database for what the `sql` connector does not ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from dsr.connectors.sql import Sql
from dsr.connectors.sql.database import connect
from dsr.connectors.sql.errors import mapped

__all__ = ["connected"]


@contextmanager
def connected(sql: Sql, table: str) -> Iterator[sa.Connection]:
    """Open the database of a store to read `table`; errors become `StoreUnavailable`."""
    with connect(sql.name, sql.url, sql.folder) as connection, mapped(sql.name, table):
        yield connection
