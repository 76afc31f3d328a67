"""Requests: what another process asks of the one that works on a run, such as to pause it.

A row is made by a stranger and taken away by the owner of the run's lease. New kinds of requests
need no migration: an owner that does not know a kind leaves it alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REAL = sa.REAL().with_variant(DOUBLE_PRECISION(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("request", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", REAL, nullable=False),
        sqlite_strict=True,
    )
