"""What identity asks for: tenure, factors, what counts once, messages, approvals, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables and the column."""
    op.add_column("dsr_grants", sa.Column("tenure", sa.LargeBinary))
    op.create_table(
        "dsr_factors",
        _request(primary_key=True),
        sa.Column("factor", sa.Text, primary_key=True),
        sa.Column("at", _time, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
    op.create_table(
        "dsr_used",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("until", _time, nullable=False),
    )
    op.create_index("dsr_used_until", "dsr_used", ["until"])
    op.create_table(
        "dsr_nonces",
        _request(primary_key=True),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("expires", _time, nullable=False),
    )
    op.create_table(
        "dsr_outbox",
        sa.Column("number", _number, primary_key=True),
        _request(),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("expires", _time, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("dsr_outbox_request", "dsr_outbox", ["request"])
    op.create_table(
        "dsr_approvals",
        _request(primary_key=True),
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("member", sa.Text, primary_key=True),
        sa.Column("at", _time, nullable=False),
    )
    op.create_table(
        "dsr_deliveries",
        sa.Column("number", _number, primary_key=True),
        _request(),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("place", sa.LargeBinary),
        sa.Column("expires", _time, nullable=False),
        sa.Column("fetched", _time),
    )
    op.create_index("dsr_deliveries_request", "dsr_deliveries", ["request"])


def _request(*, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("dsr_requests.id")
    return sa.Column("request", sa.Text, key, primary_key=primary_key, nullable=False)
