"""The ledger's tables. None has a column for an identifier, a record's key or a field's value.

What must come back is sealed, what must only be recognised is a keyed hash, the rest is counts,
times and the operator's own words. The migrations create these tables; a test compares the two.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

__all__ = [
    "UTC",
    "NaiveTimeError",
    "approvals",
    "audit",
    "audit_head",
    "challenges",
    "counters",
    "deliveries",
    "doubts",
    "factors",
    "grants",
    "hashes",
    "holds",
    "ledger",
    "metadata",
    "nonces",
    "notes",
    "notices",
    "number",
    "outbox",
    "plan_parts",
    "plans",
    "receipts",
    "requests",
    "used",
]


class NaiveTimeError(ValueError):
    """A time without a zone was to be stored: a mistake of the caller."""


class UTC(TypeDecorator[dt.datetime]):
    """A point in time: stored as UTC, returned aware (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002  (SQLAlchemy's signature)
        """Turn into UTC; raises `NaiveTimeError`."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a zone cannot be stored"
            raise NaiveTimeError(msg)
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ANN401, ARG002  (SQLAlchemy's signature)
        """Return it aware, in UTC."""
        if value is None:
            return None
        aware: dt.datetime = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return aware.astimezone(dt.UTC)


#: A number that the database counts up.
number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

#: One row: whose key this ledger has, and how often its holds have changed.
ledger = Table(
    "dsr_ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key_check", LargeBinary, nullable=False),
    Column("holds_version", BigInteger, nullable=False),
)

requests = Table(
    "dsr_requests",
    metadata,
    Column("number", number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("right", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received", UTC, nullable=False),
    Column("due", Date, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", LargeBinary),  # sealed; null once closed and forgotten
    Column("changes", LargeBinary),  # sealed; null once closed and forgotten
    Column("closed", UTC),
    Column("ground", Text, nullable=False, server_default=""),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("extended", Date),  # the last day after an extension
    Column("forget", Date),  # when no backup holds what a closed request erased any more
    Index("dsr_requests_state", "state"),
)

#: Which requests an identifier had, open or closed.
hashes = Table(
    "dsr_hashes",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Index("dsr_hashes_request", "request"),
)

#: When somebody had doubts about who asks, and when these ended (GDPR Art. 12(6)).
doubts = Table(
    "dsr_doubts",
    metadata,
    Column("number", number, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), nullable=False),
    Column("asked", UTC, nullable=False),
    Column("doubt", Text, nullable=False),  # in words that name no person
    Column("ended", UTC),
    Index("dsr_doubts_request", "request"),
)

#: What a person says of a record instead of what it shows (GDPR Art. 16), by keyed hash.
notes = Table(
    "dsr_notes",
    metadata,
    Column("record", LargeBinary, primary_key=True),  # the keyed hash of store and key
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("at", UTC, nullable=False),
    Column("document", LargeBinary, nullable=False),  # sealed
    Index("dsr_notes_request", "request"),
)

#: What recipients are told of an act (GDPR Art. 19); the notice itself goes once handed over.
notices = Table(
    "dsr_notices",
    metadata,
    Column("number", number, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("at", UTC, nullable=False),
    Column("document", LargeBinary),  # sealed; null once handed over, or exempt
    Column("handed", UTC),
    Column("exempt", Text, nullable=False),  # why there is none
    UniqueConstraint("request", "recipient", "act"),
)

grants = Table(
    "dsr_grants",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("method", Text, nullable=False),
    Column("at", UTC, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("tenure", LargeBinary),  # the keyed hash of the identifiers and their tenure
)

#: What was proved of who makes a request, until what the right needs is together.
factors = Table(
    "dsr_factors",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("factor", Text, primary_key=True),
    Column("at", UTC, nullable=False),
    Column("by", Text, nullable=False),  # the staff who decided it; else empty
)

#: What counts once: names of tokens, nonces, time steps of codes; by keyed hash.
used = Table(
    "dsr_used",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("until", UTC, nullable=False),  # from then on it is refused for its age
    Index("dsr_used_until", "until"),
)

#: The open digest challenge of a request: at most one.
nonces = Table(
    "dsr_nonces",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("nonce", LargeBinary, nullable=False),  # sealed
    Column("expires", UTC, nullable=False),
)

#: Messages on their way to people. One goes to nobody where no number is on file.
outbox = Table(
    "dsr_outbox",
    metadata,
    Column("number", number, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), nullable=False),
    Column("document", LargeBinary, nullable=False),  # sealed
    Column("expires", UTC, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("dsr_outbox_request", "request"),
)

#: What staff approved: a plan by its token, before it may be carried out.
approvals = Table(
    "dsr_approvals",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("token", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("at", UTC, nullable=False),
)

#: How a package is fetched: once, before it expires.
deliveries = Table(
    "dsr_deliveries",
    metadata,
    Column("number", number, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),  # of the link's secret
    Column("place", LargeBinary),  # sealed: where the package is; null once it is gone
    Column("expires", UTC, nullable=False),
    Column("fetched", UTC),
    Index("dsr_deliveries_request", "request"),
)

plans = Table(
    "dsr_plans",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("token", Text, nullable=False),
    Column("at", UTC, nullable=False),
    Column("counts", Text, nullable=False),
)

plan_parts = Table(
    "dsr_plan_parts",
    metadata,
    Column("request", Text, ForeignKey("dsr_plans.request"), primary_key=True),
    Column("store", Text, primary_key=True),
    Column("digests", LargeBinary, nullable=False),
)

holds = Table(
    "dsr_holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("law", Text, nullable=False),
    Column("until", Date),
    Column("subject", LargeBinary),  # sealed; null for everybody, and once released
    Column("categories", Text, nullable=False),
    Column("since", UTC),
    Column("before", UTC),
    Column("fields", Text, nullable=False),
    Column("ground", Text, nullable=False, server_default="17(3)(e)"),
    Column("jurisdiction", Text, nullable=False, server_default=""),
    Column("added", UTC, nullable=False),
    Column("released", UTC),
)

#: The open challenge of a request: at most one.
challenges = Table(
    "dsr_challenges",
    metadata,
    Column("request", Text, ForeignKey("dsr_requests.id"), primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("secret", LargeBinary),  # sealed; null once used
    Column("number", LargeBinary, nullable=False),  # the keyed hash that its limits count for
    Column("expires", UTC, nullable=False),
    Column("attempts", Integer, nullable=False),
)

#: How many codes and failures a number (by keyed hash), or all of them together, had.
counters = Table(
    "dsr_counters",
    metadata,
    Column("number", LargeBinary, primary_key=True),
    Column("day", Date, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("streak", Integer, nullable=False),  # failures in a row, over all days
)

audit = Table(
    "dsr_audit",
    metadata,
    Column(
        "seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("request", Text, nullable=False),
    Column("document", Text, nullable=False),  # the entry as canonical JSON: what is hashed
    Column("hash", LargeBinary, nullable=False),
    Index("dsr_audit_request", "request", "seq"),
)

#: One row: how many entries there are, and the last one's hash.
audit_head = Table(
    "dsr_audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)

receipts = Table(
    "dsr_receipts",
    metadata,
    Column("number", number, primary_key=True),
    Column("request", Text, ForeignKey("dsr_requests.id"), nullable=False),
    Column("document", Text, nullable=False),  # the receipt as canonical JSON: what is signed
    Column("signature", Text, nullable=False),
    Index("dsr_receipts_request", "request", "number"),
)
