"""The store in a database, SQLite by default: one connection, one transaction an append.

Creating and upgrading the schema is in `migrate.py`; commands that only read use `queries.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from maker.core.models import RunId, RunSummary
from maker.core.seams import Record
from maker.store import (
    engine,
    faults,
    files,
    integrity,
    lease,
    location,
    migrate,
    rows,
    transactions,
)
from maker.store.log import finish

P = ParamSpec("P")
T = TypeVar("T")


class SqlStore:
    """An EventStore in the SQLite file or PostgreSQL database at `place`.

    Nothing is opened or created before the first use. Whoever used it must `close` it; the next
    use opens it again.
    """

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self._url = location.normal(os.fspath(place))
        self._path = location.sqlite_path(self._url)
        self._connection: AsyncConnection | None = None
        self._file: tuple[int, int] | None = None
        self._lock = asyncio.Lock()
        self._places: dict[RunId, rows.Place] = {}
        self._early_leases: dict[RunId, lease.Lease] = {}

    async def append(
        self,
        run: RunId,
        records: Sequence[Record],
        blobs: Mapping[str, bytes],
        summary: RunSummary,
    ) -> None:
        """Store the records that follow the run's last one, or raise ConcurrentAppend.

        What was handed over is committed before a cancellation is seen.
        """
        known, early = self._places.pop(run, None), self._early_leases.get(run)
        try:
            self._places[run] = await self._transact(
                transactions.append, run, known, records, blobs, summary, early
            )
        except IntegrityError as error:
            raise integrity.overtaken(run, records[0].seq) from error
        self._early_leases.pop(run, None)

    async def load(self, run: RunId) -> list[Record]:
        """All records of the run in order. Raises RunNotFound or LogDamaged."""
        self._places[run], records = await self._transact(transactions.load, run)
        return records

    async def blob(self, digest: str) -> bytes:
        """The content with this SHA-256 (hex). Raises StoreError where there is none."""
        return await self._transact(transactions.blob, digest)

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> None:
        """Take or renew the run's lease, or raise RunBusy.

        The lease of a run without events is stored together with its first ones.
        """
        if await self._transact(transactions.acquire, run, owner, now, ttl_s):
            return
        held = self._early_leases.get(run)
        if held is not None and not lease.may_take(held, owner, now):
            raise lease.busy(run, held, now)
        self._early_leases[run] = lease.Lease(owner=owner, expires_at=now + ttl_s)

    async def release(self, run: RunId, owner: str) -> None:
        """Give the lease back; nothing happens where another owner has it."""
        held = self._early_leases.get(run)
        if held is not None and held.owner == owner:
            del self._early_leases[run]
        await self._transact(transactions.release, run, owner)

    async def close(self) -> None:
        """Close the connection; without this the driver's thread keeps the interpreter alive."""
        async with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()
                await connection.engine.dispose()

    async def _transact(
        self, body: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `body` in a transaction of its own, to its end however often we are cancelled."""
        task = asyncio.ensure_future(self._in_turn(body, *args, **kwargs))
        await finish(task)
        return task.result()

    async def _in_turn(
        self, body: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._lock:
            try:
                connection = self._connection = self._connection or await self._open()
                if self._path is not None:
                    files.require_same(self._path, self._file)
                async with connection.begin():
                    return await connection.run_sync(body, *args, **kwargs)
            except IntegrityError:
                raise
            except (SQLAlchemyError, UnicodeError) as error:
                cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
                raise faults.explain(cause, location.shown(self._url)) from error

    async def _open(self) -> AsyncConnection:
        await asyncio.to_thread(migrate.prepare, self._url)
        made = create_async_engine(**engine.settings(self._url, driver="aiosqlite"))
        engine.configure(made.sync_engine)
        if self._path is not None:
            self._file = files.identity(self._path)
        return await made.connect()
