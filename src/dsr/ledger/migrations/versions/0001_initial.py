"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "dsr_ledger",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key_check", sa.LargeBinary, nullable=False),
        sa.Column("holds_version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dsr_requests",
        sa.Column("number", _number, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("right", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("received", _time, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("subject", sa.LargeBinary),
        sa.Column("changes", sa.LargeBinary),
        sa.Column("closed", _time),
    )
    op.create_index("dsr_requests_state", "dsr_requests", ["state"])
    _belonging_to_requests()
    op.create_table(
        "dsr_holds",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("law", sa.Text, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("subject", sa.LargeBinary),
        sa.Column("categories", sa.Text, nullable=False),
        sa.Column("since", _time),
        sa.Column("before", _time),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("added", _time, nullable=False),
        sa.Column("released", _time),
    )
    op.create_table(
        "dsr_counters",
        sa.Column("number", sa.LargeBinary, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("streak", sa.Integer, nullable=False),
    )
    op.create_table(
        "dsr_audit",
        sa.Column("seq", _number, primary_key=True, autoincrement=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("dsr_audit_request", "dsr_audit", ["request", "seq"])
    op.create_table(
        "dsr_audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
    )


def _belonging_to_requests() -> None:
    op.create_table(
        "dsr_hashes",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        _request(primary_key=True),
    )
    op.create_index("dsr_hashes_request", "dsr_hashes", ["request"])
    op.create_table(
        "dsr_grants",
        _request(primary_key=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("at", _time, nullable=False),
        sa.Column("proof", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "dsr_plans",
        _request(primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("at", _time, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
    )
    op.create_table(
        "dsr_plan_parts",
        sa.Column("request", sa.Text, sa.ForeignKey("dsr_plans.request"), primary_key=True),
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("digests", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "dsr_challenges",
        _request(primary_key=True),
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("number", sa.LargeBinary, nullable=False),
        sa.Column("expires", _time, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_table(
        "dsr_receipts",
        sa.Column("number", _number, primary_key=True),
        _request(nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
    )
    op.create_index("dsr_receipts_request", "dsr_receipts", ["request", "number"])


def _request(*, primary_key: bool = False, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(
        "request",
        sa.Text,
        sa.ForeignKey("dsr_requests.id"),
        primary_key=primary_key,
        nullable=nullable and not primary_key,
    )
