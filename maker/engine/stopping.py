"""How a run is stopped from outside: its owner is asked; where it has none, its log is ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from maker.core.events import RunCancelled
from maker.core.models import RunId
from maker.core.seams import EventStore, StopRequest
from maker.engine.claim import Claim
from maker.engine.clock import SystemClock
from maker.engine.log import EventLog
from maker.engine.opening import opened
from maker.errors import ConfigError
from maker.store.lease import parse, this_process


async def ask_owner(
    run: RunId, kind: Literal["pause", "cancel"], reason: str, store: EventStore
) -> None:
    """Leave a request for the process that works on the run."""
    me = parse(this_process())
    detail = reason or f"asked for by `maker {kind}`, process {me.pid} on {me.host}"
    await store.ask_to_stop(run, StopRequest(kind=kind, detail=detail), this_process())


async def cancel(run: RunId, reason: str, store: EventStore, secrets: Sequence[str]) -> None:
    """Append RunCancelled to a run that nobody works on. Raises RunBusy or ConfigError."""
    claim = Claim(run, store, SystemClock())
    await claim.renew()
    try:
        state, head = await opened(run, store)
        log = EventLog(claim, state=state, head=head, secrets=secrets)
        if log.state.status in ("completed", "cancelled"):
            raise ConfigError(
                f"run {run} is over: it is {log.state.status}",
                advice=f"See what it did: maker show {run}",
            )
        log.append(RunCancelled(detail=reason))
        await log.writer.close()
    finally:
        await claim.release()
