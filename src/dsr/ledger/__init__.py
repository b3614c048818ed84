"""The ledger: the durable memory of requests, holds, plans, receipts and the audit trail.

It is a SQLite file or a PostgreSQL database, and one key. Identifiers are sealed with the key
while a request is open and deleted when it closes; a keyed hash stays. Audit entries and
receipts cannot be changed unseen by anybody who has not the key.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from attrs import evolve

from dsr.ledger.approvals import Approvals
from dsr.ledger.audit import Audit, AuditEntry
from dsr.ledger.challenges import Attempt, Challenges, Limits
from dsr.ledger.database import Database
from dsr.ledger.deliveries import Deliveries, Parcel
from dsr.ledger.doubts import Doubt, Doubts
from dsr.ledger.factors import Factors, Proved
from dsr.ledger.grants import Grant, Grants
from dsr.ledger.holds import Holds
from dsr.ledger.keys import new_key, read_key
from dsr.ledger.notes import Note, Notes
from dsr.ledger.notices import Notice, Notices
from dsr.ledger.plans import Confirmed, Plans
from dsr.ledger.receipts import Receipts
from dsr.ledger.requests import Requests

__all__ = [
    "Attempt",
    "AuditEntry",
    "Confirmed",
    "Doubt",
    "Grant",
    "Ledger",
    "Limits",
    "Note",
    "Notice",
    "Parcel",
    "Proved",
    "new_key",
    "read_key",
]


class Ledger(
    Requests,
    Doubts,
    Notes,
    Notices,
    Grants,
    Challenges,
    Factors,
    Approvals,
    Deliveries,
    Plans,
    Holds,
    Receipts,
    Audit,
):
    """An open ledger. Threads may share it; every process opens its own.

    Each call is one short transaction, unless `transaction` joins several. Every method raises
    `LedgerError` when the database cannot be used. All times passed in need a zone, all returned
    are UTC.
    """

    @classmethod
    def open(cls, url: str, key: bytes) -> Self:
        """Open the ledger at `url`, made or upgraded to this version's schema if need be.

        `url` is as SQLAlchemy wants it: `sqlite:///dsr.db` (from the working directory),
        `sqlite:////srv/dsr.db`, `postgresql+psycopg://user@host/name`. `key` is what `read_key`
        returns. Raises `LedgerError` if it cannot be reached, if the key is another ledger's,
        or if it was written by a newer dsr.
        """
        return cls(Database.open(url, key))

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make one transaction of all calls that this thread makes inside the block.

        One commit is far cheaper than many. An exception that leaves the block undoes them all.
        """
        with self._database.transaction():
            yield

    def acting(self, member: str) -> Self:
        """Return this ledger with `member` of the staff named in every audit entry from here on."""
        return type(self)(evolve(self._database, actor=member))

    def dispose(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.dispose()
