"""One session's hold on a run: its lease, and how long that holds by a clock that never stops."""

from __future__ import annotations

from math import inf

from maker.core.ids import new_session_id
from maker.core.models import RunId
from maker.core.seams import Clock, EventStore
from maker.store.lease import is_dead, this_process


def session_of(run: RunId, owner: str) -> str:
    """The run and the owner of its lease: process, start, boot, pid namespace, session."""
    return f"{run} {owner}"


class Claim:
    """A run in a store that this session works on, once it has the lease."""

    lease_s = 30.0

    def __init__(self, run: RunId, store: EventStore, clock: Clock) -> None:
        self.run, self.store, self.clock = run, store, clock
        self.owner = this_process(new_session_id())
        self.taken_from = ""
        self._until = -inf

    @property
    def session(self) -> str:
        """What this session's agents are marked with."""
        return session_of(self.run, self.owner)

    def dead_session(self) -> str:
        """What the agents of the session before are marked with, where its process is gone."""
        is_over = self.taken_from and is_dead(self.taken_from)
        return session_of(self.run, self.taken_from) if is_over else ""

    async def renew(self) -> None:
        """Take or renew the lease. Raises RunBusy where another session has it."""
        asked = self.clock.uptime()
        now = self.clock.now()
        taken_from = await self.store.acquire(self.run, self.owner, now, self.lease_s)
        self.taken_from = taken_from or self.taken_from
        self._until = asked + self.lease_s

    def has_run_out(self) -> bool:
        """Whether another session may have taken the run, as while this machine slept."""
        return self.clock.uptime() >= self._until

    async def release(self) -> None:
        """Give the lease back, if it was ever taken."""
        if self._until > -inf:
            await self.store.release(self.run, self.owner)
