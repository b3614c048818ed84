"""The `sql` connector: any tables, by column map, over SQLAlchemy 2 Core."""

from __future__ import annotations

from dsr.connectors.sql.config import from_config
from dsr.connectors.sql.connector import RestrictableSql, Sql
from dsr.connectors.sql.tables import Link, Side, TableMap

__all__ = ["Link", "RestrictableSql", "Side", "Sql", "TableMap", "from_config"]
