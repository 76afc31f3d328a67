"""Commits what a log has gathered, in groups, and outlasts a store that is in trouble.

One task appends and renews the lease, so that after trouble the lease comes first. What cannot be
stored at last goes to a rescue file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress

from maker.core.events import Event, RunCancelled, RunPaused, RunResumed, is_input
from maker.core.models import RunSummary
from maker.core.seams import Record, Snapshot
from maker.core.snapshot import FORMAT
from maker.engine.claim import Claim
from maker.engine.clock import rest
from maker.engine.trouble import Tell, Trouble, count
from maker.errors import StoreError, StoreTrouble
from maker.store import rescue
from maker.store.integrity import Head, overtaken

MOST_AHEAD = 64
"""Events that may be appended beyond the group that is being written, before new work waits."""
MOST_AHEAD_UNPAID = 1024
"""The same where nothing is bought: what a crash loses costs a moment to have again."""
SNAPSHOT_EVERY = 4_096
"""Events between two snapshots of the fold, while it is small."""
SNAPSHOT_BYTES_AN_EVENT = 16
"""What snapshots may add to each event: a state that grows is kept at longer distances."""


class LogWriter:
    """What waits for the disk: appended events, new work, whoever watches the run."""

    retry_every_s = 2.0

    def __init__(
        self,
        claim: Claim,
        stored: Head,
        summary: Callable[[], RunSummary],
        freeze: Callable[[], bytes | None],
        patience_s: float,
        most_ahead: int,
        tell: Tell,
    ) -> None:
        self.stored = stored
        self._claim, self._summary, self._freeze = claim, summary, freeze
        self._snapshot_every = SNAPSHOT_EVERY
        self._patience_s, self._tell = patience_s, tell
        self._most_ahead = most_ahead
        self._last_seq = stored.seq
        self._pending: list[tuple[Record, Event]] = []
        self._blobs: dict[str, bytes] = {}
        self._wake, self._progress = asyncio.Event(), asyncio.Event()
        self._hurried = asyncio.Event()
        self._feed: asyncio.Queue[Event | None] = asyncio.Queue()
        self._closing = self._renewal_is_due = self._in_doubt = False
        self._trouble: Trouble | None = None
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def failed(self) -> bool:
        """Whether nothing will be stored any more."""
        return self._failure is not None

    async def open(self) -> None:
        """Take the run's lease, and keep it until `close`. Raises RunBusy."""
        await self._claim.renew()
        self._renew_later()

    def put(self, record: Record, event: Event, blobs: Mapping[str, bytes]) -> None:
        """Take an event that is to be stored; this never waits."""
        if self._closing:
            raise StoreError(f"the log of run {self._claim.run} is closed: nobody would write it")
        self._last_seq = record.seq
        self._pending.append((record, event))
        self._blobs.update(blobs)
        self._begin()

    async def room(self) -> None:
        """Wait while the store is in trouble, or too much work is ahead of the disk."""
        while self._trouble is not None or len(self._pending) > self._most_ahead:
            await self._step()
        self._check()

    async def ready(self) -> None:
        """Wait until a call may be made: what it brings can be stored, and the run is ours.

        A lease that has run out, as while the machine slept, is renewed first.
        """
        await self.room()
        while self._in_doubt or self._claim.has_run_out():
            self.renew()
            await self._step()

    async def durable(self) -> None:
        """Wait until everything that was put so far is on disk."""
        target = self._last_seq
        while self.stored.seq < target:
            await self._step()
        self._check()

    async def events(self) -> AsyncIterator[Event]:
        """The events of this session in order, each once it is on disk, until it is closed."""
        while (event := await self._feed.get()) is not None:
            yield event
        self._check()

    def renew(self) -> None:
        """Have the lease renewed before anything else is written."""
        self._renewal_is_due = True
        self._begin()

    def hurry(self) -> None:
        """Whoever waits for us is leaving: what cannot be stored now is put aside at once."""
        self._hurried.set()

    async def close(self) -> None:
        """Store what is left, or put it aside, and give the lease back; ends `events`.

        Raises what kept the events from being stored.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._closing = True
        self._begin()
        if self._task is not None:
            await self._task
        await self._put_aside()
        if not isinstance(self._failure, StoreTrouble):
            with suppress(StoreTrouble):  # then the lease runs out by itself
                await self._claim.release()
        self._check()

    def _begin(self) -> None:
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._write(), name=f"log writer {self._claim.run}")

    def _renew_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._claim.lease_s / 3, self._renew_in_time)

    def _renew_in_time(self) -> None:
        self.renew()
        self._renew_later()

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
                await self._turn()
        except Exception as error:
            self._failure = error
        finally:
            self._progress.set()
            self._feed.put_nowait(None)

    async def _turn(self) -> None:
        """Renew what is due and write what waits, however often that has to be tried."""
        while self._pending or (self._renewal_is_due and not self._closing):
            try:
                if self._renewal_is_due or self._claim.has_run_out():
                    await self._renew()
                await self._write_group()
            except StoreTrouble as error:
                await self._outlast(error)
            else:
                if self._trouble is not None:
                    self._trouble.passed(self._claim.clock.uptime())
                    self._trouble = None
                    self._progress.set()

    async def _outlast(self, error: StoreTrouble) -> None:
        """Wait until it is time to try again. Raises the error where nobody waits any more."""
        clock = self._claim.clock
        self._in_doubt = self._renewal_is_due = True
        if self._hurried.is_set():
            raise error
        if self._trouble is None:
            self._trouble = Trouble(clock.uptime(), self._patience_s, self._tell)
        self._trouble.met(error, len(self._pending), clock.uptime())
        await rest(clock, self.retry_every_s, self._hurried)

    async def _renew(self) -> None:
        self._in_doubt |= self._claim.has_run_out()
        await self._claim.renew()
        if self._in_doubt:
            await self._catch_up()
        self._in_doubt = self._renewal_is_due = False
        self._progress.set()

    async def _catch_up(self) -> None:
        """Learn what the log holds by now. Raises ConcurrentAppend where others have gone on.

        A commit can succeed unheard, so some of what waits may be stored already.
        """
        run, store = self._claim.run, self._claim.store
        if Head(*await store.head(run)) == self.stored:
            return
        records = [record for record, _ in self._pending]
        log = await store.read(run, self.stored.seq, self.stored.hash, len(records) + 1)
        missing = rescue.unstored(run, log, records) if records else []
        group = self._pending[: len(records) - len(missing)]
        if not group or log[-1].hash != group[-1][0].hash:
            raise overtaken(run, self.stored.seq + 1)
        self._pending = self._pending[len(group) :]
        self._acknowledge(group)

    async def _write_group(self) -> None:
        group, self._pending = self._pending, []
        blobs, self._blobs = self._blobs, {}
        if not group:
            return
        self._progress.set()  # there is room again, while this group is written
        records = [record for record, _ in group]
        snapshot = self._snapshot(records[-1])
        more = {} if snapshot is None else {"snapshot": snapshot}
        try:
            await self._claim.store.append(self._claim.run, records, blobs, self._summary(), **more)
        except BaseException:
            self._pending, self._blobs = group + self._pending, blobs | self._blobs
            raise
        self._acknowledge(group)

    def _snapshot(self, last: Record) -> Snapshot | None:
        """The fold up to the last event, every so often; the more it takes, the more seldom."""
        if last.seq // self._snapshot_every == self.stored.seq // self._snapshot_every:
            return None
        state = self._freeze()
        if state is None:
            return None
        while self._snapshot_every * SNAPSHOT_BYTES_AN_EVENT < len(state):
            self._snapshot_every *= 2
        return Snapshot(seq=last.seq, hash=last.hash, format=FORMAT, state=state)

    def _acknowledge(self, group: Sequence[tuple[Record, Event]]) -> None:
        """Show what is on disk to whoever waits for it."""
        last, _ = group[-1]
        self.stored = Head(last.seq, last.hash)
        for _, event in group:
            self._feed.put_nowait(event)
        self._progress.set()

    async def _put_aside(self) -> None:
        """Write a rescue file where something waits that cannot be had again for nothing."""
        folders, run = self._claim.store.rescue_folders, self._claim.run
        is_new = self.stored.seq == 0
        precious = (  # from outside, and more than that somebody began or stopped
            is_input(event) and not isinstance(event, RunPaused | RunResumed | RunCancelled)
            for _, event in self._pending
        )
        if is_new or not folders or not any(precious):
            return
        records, waiting = [record for record, _ in self._pending], count(len(self._pending))
        try:
            path = await asyncio.to_thread(rescue.write, folders, run, records, self._blobs)
        except StoreError as error:
            self._tell(f"{waiting} to be stored, but {error.message}: they are lost")
        else:
            self._tell(f"{waiting} in the rescue file {path}: `maker resume {run}` takes them")
