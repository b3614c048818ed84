"""The revisions of the ledger's schema (Alembic); `dsr.ledger.schema` runs them."""
