"""Contents may be recipes of others, a log may have a snapshot of its fold, and plans an index.

Rows stay as they are: what they hold is read as it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BLOBS = sa.Table(
    "blobs",
    sa.MetaData(),
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("codec", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
    sa.CheckConstraint("codec IN ('raw', 'zlib')", name="codec_is_known"),
    sqlite_strict=True,
)


def upgrade() -> None:
    with op.batch_alter_table("blobs", copy_from=BLOBS) as blobs:
        blobs.drop_constraint("codec_is_known", type_="check")
        blobs.create_check_constraint(
            "codec_is_known", sa.text("codec IN ('raw', 'zlib', 'recipe')")
        )
    op.create_table(
        "snapshots",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("checksum", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    is_plan = sa.text("type = 'PlanCreated'")
    op.create_index(
        "ix_events_plans",
        "events",
        ["run", "seq"],
        sqlite_where=is_plan,
        postgresql_where=is_plan,
    )
