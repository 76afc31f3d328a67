"""One session's hold on a run: its lease, and how long that holds by a clock that never stops."""

from __future__ import annotations

from math import inf

from maker.core.ids import new_session_id
from maker.core.models import RunId
from maker.core.seams import Clock, EventStore
from maker.store.lease import this_process


class Claim:
    """A run in a store that this session works on, once it has the lease."""

    lease_s = 30.0

    def __init__(self, run: RunId, store: EventStore, clock: Clock) -> None:
        self.run, self.store, self.clock = run, store, clock
        self.owner = this_process(new_session_id())
        self._until = -inf

    async def renew(self) -> None:
        """Take or renew the lease. Raises RunBusy where another session has it."""
        asked = self.clock.uptime()
        await self.store.acquire(self.run, self.owner, self.clock.now(), self.lease_s)
        self._until = asked + self.lease_s

    def has_run_out(self) -> bool:
        """Whether another session may have taken the run, as while this machine slept."""
        return self.clock.uptime() >= self._until

    async def release(self) -> None:
        """Give the lease back, if it was ever taken."""
        if self._until > -inf:
            await self.store.release(self.run, self.owner)
