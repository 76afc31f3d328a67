"""The one funnel that every event of a run goes through: number, time, hash, fold, disk, caller.

Appending is synchronous, so that nothing can come between a reply and its place in the log; a
writer task commits what has gathered in groups and only then shows it to the caller.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from maker.core.events import GENESIS, Event, chain, decode, encode
from maker.core.fold import apply
from maker.core.models import RunId
from maker.core.seams import Clock, EventStore, Record
from maker.core.state import RunState, summary
from maker.errors import StoreError

MOST_AHEAD = 64
"""Events that may be appended beyond the group that is being written, before new work waits."""


class EventLog:
    """The log of one run, open for appending. Its `state` is always the fold of all of it."""

    def __init__(
        self, run: RunId, store: EventStore, clock: Clock, history: Sequence[Record] = ()
    ) -> None:
        self.run = run
        self.state = RunState()
        self._store, self._clock = store, clock
        self._seq = self._written = len(history)
        self._head = history[-1].hash if history else GENESIS
        self._pending: list[tuple[Record, Event]] = []
        self._blobs: dict[str, bytes] = {}
        self._wake, self._progress = asyncio.Event(), asyncio.Event()
        self._feed: asyncio.Queue[Event | None] = asyncio.Queue()
        self._closing = False
        self._failure: BaseException | None = None
        self._writer: asyncio.Task[None] | None = None
        for record in history:
            apply(self.state, decode(record.payload, seq=record.seq))

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last event that was appended."""
        return self._seq, self._head

    def append(self, event: Event, blobs: Mapping[str, bytes] | None = None) -> None:
        """Give the event its place. It is durable once `durable()` returns after this."""
        self._check()
        if self._closing:
            raise StoreError(f"the log of run {self.run} is closed: nobody would write the event")
        event = msgspec.structs.replace(event, timestamp=self._clock.now())
        payload = encode(event)
        event = decode(payload)  # what a resume will see, so that it cannot see anything else
        apply(self.state, event)
        self._seq += 1
        self._head = chain(self._head, payload)
        record = Record(
            seq=self._seq,
            timestamp=event.timestamp,
            type=type(event).__name__,
            payload=payload,
            hash=self._head,
        )
        self._pending.append((record, event))
        self._blobs.update(blobs or {})
        self._wake.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name=f"log writer {self.run}")

    async def room(self) -> None:
        """Wait while too much work is ahead of the disk."""
        while len(self._pending) > MOST_AHEAD:
            await self._step()
        self._check()

    async def durable(self) -> None:
        """Wait until everything appended so far is on disk."""
        target = self._seq
        while self._written < target:
            await self._step()
        self._check()

    async def events(self) -> AsyncIterator[Event]:
        """The events of this session in order, each once it is on disk, until the log is closed."""
        while (event := await self._feed.get()) is not None:
            yield event
        self._check()

    async def close(self) -> None:
        """Write what is left and end `events`. Raises what kept the writer from writing."""
        self._closing = True
        self._wake.set()
        if self._writer is None:
            self._feed.put_nowait(None)
        else:
            await self._writer
        self._check()

    def fail(self, error: BaseException) -> None:
        """Refuse everything from now on with this error: the log is not ours to write any more.

        The caller's view ends with it at once, so that calls under way are stopped.
        """
        self._failure = self._failure or error
        self._progress.set()
        self._feed.put_nowait(None)

    async def _step(self) -> None:
        self._check()
        self._progress.clear()
        await self._progress.wait()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _write(self) -> None:
        try:
            while not (self._closing and not self._pending):
                await self._wake.wait()
                self._wake.clear()
                await self._write_group()
        except Exception as error:
            self._failure = error
        finally:
            self._progress.set()
            self._feed.put_nowait(None)

    async def _write_group(self) -> None:
        group, self._pending = self._pending, []
        blobs, self._blobs = self._blobs, {}
        if not group:
            return
        records = [record for record, _ in group]
        await self._store.append(self.run, records, blobs, summary(self.state))
        self._written = records[-1].seq
        for _, event in group:
            self._feed.put_nowait(event)
        self._progress.set()


def content_hash(content: bytes) -> str:
    """SHA-256 as hex: the name of a blob."""
    return hashlib.sha256(content).hexdigest()


async def finish(task: asyncio.Future[Any]) -> None:
    """Wait for a task to end however often the waiter is cancelled; then be cancelled."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break
            cancelled = True
        except Exception:
            break
    if cancelled:
        raise asyncio.CancelledError
