"""A stored run for programs: its events and the state that follows from them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import RunId
from maker.core.seams import EventStore
from maker.core.state import RunState


class LoadedRun(Struct, frozen=True, kw_only=True):
    """A run as it is stored: its events in order, and the state that follows from them."""

    run: RunId
    events: Sequence[e.Event]
    state: RunState


async def load(run: str, store: EventStore) -> LoadedRun:
    """The run as it is stored. Raises RunNotFound or LogDamaged."""
    records = await store.load(RunId(run))
    events = [e.decode(record.payload, seq=record.seq) for record in records]
    return LoadedRun(run=RunId(run), events=events, state=fold(events))
