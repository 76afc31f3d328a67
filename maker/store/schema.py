"""The tables, in SQLAlchemy Core. Versions, triggers and views are in `ddl.py`.

STRICT tables know TEXT, INTEGER, REAL and BLOB only; UUIDs and hashes are bytes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.types import TypeEngine

from maker.store import ddl, shape

Seconds: TypeEngine[float] = REAL().with_variant(DOUBLE_PRECISION(), "postgresql")
"""A PostgreSQL REAL has four bytes: too few for a time."""


def _required(name: str, kind: Any, *more: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, *more, nullable=False, **options)


metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("run", Integer, primary_key=True),
    _required("run_id", LargeBinary, unique=True),
    _required("instruction", Text),
    _required("status", Text),
    _required("reason", Text),
    _required("model", Text),
    _required("agent", Text),
    _required("started_at", Seconds, index=True),
    _required("updated_at", Seconds),
    _required("steps_done", Integer),
    _required("steps_total", Integer),
    _required("cost_usd", Seconds),
    _required("tokens", Integer),
    _required("samples", Integer),
    _required("red_flagged", Integer),
    _required("retries", Integer),
    _required("duration_ms", Integer),
    _required("unpriced", Integer),
    _required("head_seq", Integer),
    _required("head_hash", LargeBinary),
    Column("lease_owner", Text),
    Column("lease_expires_at", Seconds),
    _required("lease_epoch", Integer, server_default="0"),
    _required("pruned", Integer, server_default="0"),
    CheckConstraint("length(run_id) = 16", name="run_id_is_a_uuid"),
    CheckConstraint("length(head_hash) = 32", name="head_hash_is_sha256"),
    sqlite_strict=True,
)
"""One row a run: who works on it, where its log ends, and the summary that lists show."""

blobs = Table(
    "blobs",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _required("codec", Text),
    _required("content", LargeBinary),
    CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("codec IN ('raw', 'zlib', 'recipe')", name="codec_is_known"),
    sqlite_strict=True,
)
"""Big values, once each, by the SHA-256 of their content. Recipes: see `recipes.py`."""

events = Table(
    "events",
    metadata,
    Column("run", Integer, ForeignKey("runs.run"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    _required("type", Text),
    _required("appended_at", Seconds),
    Column("payload", Text),
    Column("blob", LargeBinary, ForeignKey("blobs.digest")),
    _required("hash", LargeBinary),
    CheckConstraint("(payload IS NULL) <> (blob IS NULL)", name="one_payload"),
    CheckConstraint("length(hash) = 32", name="hash_is_sha256"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""The logs. A payload is here as text (see `payloads.py`), or in `blobs` where it is big."""

_IS_PLAN = text("type = 'PlanCreated'")
Index(
    "ix_events_plans",
    events.c.run,
    events.c.seq,
    sqlite_where=_IS_PLAN,
    postgresql_where=_IS_PLAN,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("run", Integer, ForeignKey("runs.run"), primary_key=True),
    _required("seq", Integer),
    _required("hash", LargeBinary),
    _required("format", Text),
    _required("checksum", LargeBinary),
    _required("state", LargeBinary),
    sqlite_strict=True,
)
"""The fold of each log up to an event: a cache, so that a long run is gone on with at once."""

requests = Table(
    "requests",
    metadata,
    Column("request", Integer, primary_key=True),
    _required("run", Integer, ForeignKey("runs.run"), index=True),
    _required("kind", Text),
    _required("detail", Text),
    _required("asked_by", Text),
    _required("asked_at", Seconds),
    sqlite_strict=True,
)
"""What other processes ask of the one that works on a run; it takes the row away."""


def install(connection: Connection) -> None:
    """Create triggers and views and note the version; part of creating and of migrating."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in ddl.SQLITE_INSTALL if is_sqlite else ddl.POSTGRES_INSTALL:
        connection.exec_driver_sql(statement)


def uninstall(connection: Connection) -> None:
    """Drop triggers and views, so that tables can be rebuilt."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in ddl.SQLITE_UNINSTALL if is_sqlite else ddl.POSTGRES_UNINSTALL:
        connection.exec_driver_sql(statement)


def restore(connection: Connection) -> bool:
    """Make the triggers, views and indexes of a SQLite file what they must be; whether it did."""
    if connection.dialect.name != "sqlite":
        return False
    rows = [row._asdict() for row in connection.exec_driver_sql(shape.OBJECTS)]
    wrong = [(kind, name) for kind, name, _ in shape.differences(rows) if kind in shape.RESTORED]
    if not wrong:
        return False
    for kind, name in wrong:
        quoted = name.replace('"', '""')
        connection.exec_driver_sql(f'DROP {kind} IF EXISTS "{quoted}"')
    uninstall(connection)
    install(connection)
    for table in metadata.tables.values():
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    return True
