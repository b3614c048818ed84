"""Runs the migrations on the connection, and in the transaction, that `dsr.ledger.schema` made."""

from __future__ import annotations

from alembic import context

from dsr.ledger.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
)
context.run_migrations()
