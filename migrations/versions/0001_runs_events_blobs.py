"""Runs, their events, and big values by content.

`events` has no rowid, so that a log lies in the file in the order in which it is read. An integer
key stands for the run's UUID, because it is repeated in every event. Big payloads are in `blobs`:
a B-tree without rowids is slow with long rows, and the same prompt is often stored again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REAL = sa.REAL().with_variant(DOUBLE_PRECISION(), "postgresql")


def upgrade() -> None:
    create_runs()
    create_blobs()
    create_events()


def create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("instruction", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("started_at", REAL, nullable=False, index=True),
        sa.Column("updated_at", REAL, nullable=False),
        sa.Column("steps_done", sa.Integer, nullable=False),
        sa.Column("steps_total", sa.Integer, nullable=False),
        sa.Column("cost_usd", REAL, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("samples", sa.Integer, nullable=False),
        sa.Column("red_flagged", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("unpriced", sa.Integer, nullable=False),
        sa.Column("head_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.LargeBinary, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_expires_at", REAL),
        sa.Column("lease_epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pruned", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("length(run_id) = 16", name="run_id_is_a_uuid"),
        sa.CheckConstraint("length(head_hash) = 32", name="head_hash_is_sha256"),
        sqlite_strict=True,
    )


def create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
        sa.CheckConstraint("codec IN ('raw', 'zlib')", name="codec_is_known"),
        sqlite_strict=True,
    )


def create_events() -> None:
    op.create_table(
        "events",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("appended_at", REAL, nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("blob", sa.LargeBinary, sa.ForeignKey("blobs.digest")),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("(payload IS NULL) <> (blob IS NULL)", name="one_payload"),
        sa.CheckConstraint("length(hash) = 32", name="hash_is_sha256"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
