"""What the law asks of requests: grounds, extensions, doubts, annotations, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and tables."""
    for name in ("ground", "outcome"):
        op.add_column("dsr_requests", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("dsr_requests", sa.Column("extended", sa.Date))
    op.add_column("dsr_requests", sa.Column("forget", sa.Date))
    ground = sa.Column("ground", sa.Text, nullable=False, server_default="17(3)(e)")
    op.add_column("dsr_holds", ground)
    jurisdiction = sa.Column("jurisdiction", sa.Text, nullable=False, server_default="")
    op.add_column("dsr_holds", jurisdiction)
    op.create_table(
        "dsr_doubts",
        sa.Column("number", _number, primary_key=True),
        _request(),
        sa.Column("asked", _time, nullable=False),
        sa.Column("doubt", sa.Text, nullable=False),
        sa.Column("ended", _time),
    )
    op.create_index("dsr_doubts_request", "dsr_doubts", ["request"])
    op.create_table(
        "dsr_notes",
        sa.Column("record", sa.LargeBinary, primary_key=True),
        _request(primary_key=True),
        sa.Column("at", _time, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_index("dsr_notes_request", "dsr_notes", ["request"])
    op.create_table(
        "dsr_notices",
        sa.Column("number", _number, primary_key=True),
        _request(),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("at", _time, nullable=False),
        sa.Column("document", sa.LargeBinary),
        sa.Column("handed", _time),
        sa.Column("exempt", sa.Text, nullable=False),
        sa.UniqueConstraint("request", "recipient", "act"),
    )


def _request(*, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("dsr_requests.id")
    return sa.Column("request", sa.Text, key, primary_key=primary_key, nullable=False)
