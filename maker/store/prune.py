"""Deleting whole runs that nobody needs any more, and giving back the room that they took.

Each run goes in a transaction of its own, which looks again whether somebody works on it. Then
the contents go that no remaining run refers to, and at last the file shrinks, if nobody uses it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from maker.core.models import RunId
from maker.errors import LogDamaged, StoreError
from maker.store import engine, faults, heads, location, migrate, references
from maker.store.queries import Reader, RunRow
from maker.store.rows import Row

_CONTENTS_AT_ONCE = 1000
_MARK = """
    UPDATE runs SET pruned = 1 WHERE run = :key AND head_seq = :seq AND lease_epoch = :epoch"""
_DELETE = tuple(
    f"DELETE FROM {table} WHERE run = :key" for table in ("requests", "snapshots", "events", "runs")
)
_CONTENTS = "SELECT digest FROM blobs WHERE digest > :after ORDER BY digest LIMIT :limit"
_HEADS = "SELECT run, head_seq FROM runs"
# PostgreSQL looks for events that refer to each deleted content: without an index in all of them.
_INDEX = "CREATE INDEX IF NOT EXISTS maker_prune ON events (blob) WHERE blob IS NOT NULL"
_DROP_INDEX = "DROP INDEX IF EXISTS maker_prune"


class Pruned(Struct, frozen=True):
    """What was deleted; `in_use`: the file keeps its length because somebody uses it.

    `damage`: why contents were kept, of which nobody knows whether a log needs them.
    """

    runs: Sequence[RunId]
    contents: int
    in_use: bool = False
    damage: str = ""


def prune(url: str, runs: Sequence[RunRow]) -> Pruned:
    """Delete these runs, but those that somebody has taken up since. Raises StoreError."""
    url = location.normal(url)
    migrate.prepare(url)
    path = location.sqlite_path(url)
    if path is not None:
        # Before they are deleted: a run without a note is in order, a note without a run is not.
        try:
            heads.forget(path, [row.run_id for row in runs])
        except OSError as error:
            raise StoreError(
                f"{heads.file_of(path)} cannot be written: {error.strerror}",
                advice="Nothing was deleted. Make it and its folder writable for you.",
            ) from error
    with _engine(url) as database:
        deleted = [row.run_id for row in runs if _delete(database, row)]
        contents, damage = 0, ""
        try:
            for count in _delete_contents(database):
                contents += count
        except LogDamaged as error:
            damage = error.message
    in_use = path is not None and not _shrink(url, path)
    return Pruned(deleted, contents, in_use, damage)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    # References are checked by what is deleted, not by looking through all events for each row.
    try:
        made = engine.sync_engine(url, foreign_keys=False)
        yield made
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        raise faults.explain(cause, location.shown(url)) from error


def _delete(database: Engine, row: RunRow) -> bool:
    """Whether the run could be deleted whole: its log and its lease are still as they were read."""
    with database.begin() as connection:
        values = {"key": row.key, "seq": row.head_seq, "epoch": row.lease_epoch}
        if connection.execute(text(_MARK), values).rowcount != 1:
            return False
        for statement in _DELETE:
            connection.execute(text(statement), {"key": row.key})
    return True


def _delete_contents(database: Engine) -> Iterator[int]:
    """Delete, in parts, what no run refers to; how many went each time."""
    needed = _Needed()
    with database.connect() as connection, engine.beginning(connection, reading=True):
        needed.catch_up(connection)
    if database.dialect.name == "postgresql":
        with database.begin() as connection:
            connection.execute(text(_INDEX))
    after, part = b"", [b""]
    while part:
        with database.begin() as connection:
            needed.catch_up(connection)  # what was appended meanwhile, while nobody can append
            values = {"after": after, "limit": _CONTENTS_AT_ONCE}
            part = [bytes(row.digest) for row in connection.execute(text(_CONTENTS), values)]
            needless = [{"digest": digest} for digest in part if digest not in needed]
            if needless:
                connection.execute(text("DELETE FROM blobs WHERE digest = :digest"), needless)
            yield len(needless)
            after = part[-1] if part else after
    if database.dialect.name == "postgresql":
        with database.begin() as connection:
            connection.execute(text(_DROP_INDEX))


class _Needed:
    """The contents that runs refer to, by eight bytes each, and how far their logs were read."""

    def __init__(self) -> None:
        self._prefixes, self._read = set[int](), dict[int, int]()

    def __contains__(self, digest: bytes) -> bool:
        return int.from_bytes(digest[:8]) in self._prefixes

    def catch_up(self, connection: Connection) -> None:
        """Read what logs have that was not read yet."""

        def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

        for run in fetch(_HEADS, {}):
            read = self._read.get(run["run"], 0)
            if read < run["head_seq"]:
                for digest in references.of_run(fetch, run["run"], read):
                    self._prefixes.add(int.from_bytes(digest[:8]))
                self._read[run["run"]] = run["head_seq"]


def _shrink(url: str, path: Path) -> bool:
    """Give unused room back to the disk; whether there was room and time to do it.

    Not while somebody works on a run: to shrink a big file would keep him waiting.
    """
    with Reader(url) as reader:
        if any(row.is_held for row in reader.runs(limit=None)):
            return False
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as raw:
        try:
            raw.execute("VACUUM")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
                return False
            raise faults.explain(error, str(path)) from error
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True
