"""The store in a database, SQLite by default: one thread with one connection, one hop an append.

Creating and upgrading the schema is in `migrate.py`; commands that only read use `queries.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from maker.core.interruption import finish
from maker.core.models import RunId, RunSummary
from maker.core.seams import Record, Snapshot, StopRequest
from maker.store import (
    engine,
    faults,
    files,
    heads,
    integrity,
    lease,
    location,
    migrate,
    rescue,
    rows,
    transactions,
)
from maker.store.packing import Packing

BUSY_TIMEOUT_S = 5.0
"""How long a transaction waits for a lock before that is trouble, which is told and outlasted."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class SqlStore:
    """An EventStore in the SQLite file or PostgreSQL database at `place`.

    Nothing is opened or created before the first use. Whoever used it must `close` it; the next
    use opens it again. `busy_timeout_s`: how long one transaction waits for another's lock.
    """

    def __init__(
        self, place: str | os.PathLike[str], *, busy_timeout_s: float | None = None
    ) -> None:
        self._url = location.normal(os.fspath(place))
        self._path = location.sqlite_path(self._url)
        self._busy_timeout_s = BUSY_TIMEOUT_S if busy_timeout_s is None else busy_timeout_s
        self._thread: ThreadPoolExecutor | None = None
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._places: dict[RunId, rows.Place] = {}
        self._packing: dict[RunId, Packing] = {}
        self._early_leases: dict[RunId, lease.Lease] = {}

    @property
    def rescue_folders(self) -> list[Path]:
        """The folder of the SQLite file, then the temp folder, then home."""
        return rescue.folders(self._path)

    async def append(
        self,
        run: RunId,
        records: Sequence[Record],
        blobs: Mapping[str, bytes],
        summary: RunSummary,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Store the records that follow the run's last one, or raise ConcurrentAppend.

        What was handed over is committed before a cancellation is seen.
        """
        place, early = self._places.pop(run, None), self._early_leases.get(run)
        packing = self._packing.pop(run, None) or Packing()  # what fails is forgotten
        try:
            self._places[run] = await self._transact(
                transactions.append, run, place, records, blobs, summary, early, packing, snapshot
            )
        except IntegrityError as error:
            raise integrity.overtaken(run, records[0].seq) from error
        self._packing[run] = packing
        self._early_leases.pop(run, None)

    async def load(self, run: RunId) -> list[Record]:
        """All records of the run in order. Raises RunNotFound or LogDamaged."""
        self._places[run], records = await self._transact(transactions.load, run, reading=True)
        if self._path is not None:
            heads.require(self._path, run, records)
        return records

    async def read(self, run: RunId, seq: int, hash: bytes, most: int) -> list[Record]:
        """The next records after the one of this number and hash, none at the log's end.

        Raises RunNotFound, and LogDamaged where they do not follow it, or the end is another one
        than was noted beside the database.
        """
        after = integrity.Head(seq, hash)
        place, records = await self._transact(transactions.read, run, after, most, reading=True)
        if not records and self._path is not None:
            noted = heads.read(self._path).heads.get(run)
            if noted is not None:
                stored_hash = await self._transact(
                    transactions.hash_at, place, noted.seq, reading=True
                )
                heads.compare(self._path, noted, place.head.seq, stored_hash)
        if not records:
            self._places[run] = place
        return records

    async def snapshot(self, run: RunId) -> Snapshot | None:
        """The run's newest snapshot, if it is whole and of this log."""
        return await self._transact(transactions.snapshot, run, reading=True)

    async def head(self, run: RunId) -> tuple[int, bytes]:
        """Number and hash of the run's last record; 0 and GENESIS where it has none."""
        head = await self._transact(transactions.head, run, reading=True)
        return head.seq, head.hash

    async def blob(self, digest: str) -> bytes:
        """The content with this SHA-256 (hex). Raises StoreError where there is none."""
        return await self._transact(transactions.blob, digest, reading=True)

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        """Take or renew the run's lease, or raise RunBusy; from whom it was taken, if anybody.

        The lease of a run without events is stored together with its first ones.
        """
        taken_from = await self._transact(transactions.acquire, run, owner, now, ttl_s)
        if taken_from is not None:
            return taken_from
        held = self._early_leases.get(run)
        if held is not None and not lease.may_take(held, owner, now):
            raise lease.busy(run, held, now)
        self._early_leases[run] = lease.Lease(owner=owner, expires_at=now + ttl_s)
        return ""  # the run was never worked on

    async def release(self, run: RunId, owner: str) -> None:
        """Give the lease back; nothing happens where another owner has it."""
        held = self._early_leases.get(run)
        if held is not None and held.owner == owner:
            del self._early_leases[run]
        await self._transact(transactions.release, run, owner)
        if self._path is not None and run in self._places:
            await self._in_thread(self._note_end, self._path, run, self._places[run].head)

    async def ask_to_stop(self, run: RunId, request: StopRequest, asked_by: str) -> None:
        """Leave a request for the owner of the run's lease. Raises RunNotFound."""
        await self._transact(transactions.ask_to_stop, run, request, asked_by, time.time())

    async def stop_requests(self, run: RunId) -> list[StopRequest]:
        """The requests that are open, in order."""
        return await self._transact(transactions.stop_requests, run, reading=True)

    async def close(self) -> None:
        """Close the connection and end its thread."""
        if self._thread is not None:
            await self._in_thread(self._disconnect)
            self._thread.shutdown()
            self._thread = None

    async def _transact(
        self, body: Callable[[Connection, *Ts], T], *args: *Ts, reading: bool = False
    ) -> T:
        """Run `body` in a transaction of its own, to its end however often we are cancelled."""
        return await self._in_thread(self._transaction, reading, body, *args)

    async def _in_thread(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="maker store")
        done = asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        await finish(done)
        return done.result()

    def _transaction(self, reading: bool, body: Callable[[Connection, *Ts], T], *args: *Ts) -> T:
        try:
            connection = self._connection
            if connection is None:
                migrate.prepare(self._url)
                if self._path is not None:
                    self._file = files.identity(self._path)
                    rescue.make_reserve(self._path.parent)
                made = engine.sync_engine(self._url, busy_timeout_s=self._busy_timeout_s)
                connection = self._connection = made.connect()
            if self._path is not None:
                files.require_same(self._path, self._file)
            with engine.beginning(connection, reading=reading):
                return body(connection, *args)
        except IntegrityError:
            raise
        except (SQLAlchemyError, UnicodeError) as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                self._disconnect()
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            raise faults.explain(cause, location.shown(self._url)) from error

    def _note_end(self, path: Path, run: RunId, head: integrity.Head) -> None:
        """Note where the log of a run that stops ends, after moving it out of the `-wal`.

        What is stored does not depend on either, so a full disk or a busy reader is no error.
        """
        with contextlib.suppress(sqlite3.Error, SQLAlchemyError):
            if self._connection is not None:
                engine.checkpoint(self._connection)
        with contextlib.suppress(OSError):
            heads.note(path, {run: head})

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            connection.engine.dispose()
