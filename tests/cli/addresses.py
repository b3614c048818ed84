"""E-mail addresses in the made-up operator's store of accounts, and the setting that names them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.cli.office import Office

__all__ = ["with_addresses"]

_SETTING = '[delivery]\ncontact = "email"\nchanged = "email_changed_at"\n\n[ledger]'


def with_addresses(office: Office, changed: str | None = "2024-02-01 10:00:00+00:00") -> None:
    """Give every account an address that was last changed then, and tell dsr of it."""
    with closing(sqlite3.connect(office.folder / "operator.db")) as db, db:
        db.execute("ALTER TABLE numbers ADD COLUMN email TEXT DEFAULT 'eva@example.org'")
        db.execute("ALTER TABLE numbers ADD COLUMN email_changed_at TEXT")
        db.execute("UPDATE numbers SET email_changed_at = ?", (changed,))
    office.edit("[ledger]", _SETTING)
