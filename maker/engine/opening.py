"""Opening a log that is there: its fold, from the newest good snapshot on, in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

from maker.core.events import decode
from maker.core.fold import apply
from maker.core.models import RunId
from maker.core.seams import EventStore, Record
from maker.core.snapshot import FORMAT, decode_state
from maker.core.state import RunState
from maker.store.integrity import START, Head

EVENTS_AT_ONCE = 1_000
"""Read in one transaction; so many are in memory."""


async def opened(run: RunId, store: EventStore) -> tuple[RunState, Head]:
    """The fold of the run's log and where it ends. Raises RunNotFound or LogDamaged.

    The chain of hashes is checked from the snapshot on; `maker verify` checks all of it.
    """
    state, head = RunState(), START
    snapshot = await store.snapshot(run)
    if snapshot is not None and snapshot.format == FORMAT:  # one that this maker wrote
        decoded = decode_state(snapshot.state)
        if decoded is not None:
            state, head = decoded, Head(snapshot.seq, snapshot.hash)
    async for record in following(run, head, store):
        apply(state, decode(record.payload, seq=record.seq))
        head = Head(record.seq, record.hash)
    return state, head


async def following(run: RunId, head: Head, store: EventStore) -> AsyncIterator[Record]:
    """The records after this one, to the end of the log, in short transactions."""
    while records := await store.read(run, head.seq, head.hash, EVENTS_AT_ONCE):
        for record in records:
            yield record
        head = Head(records[-1].seq, records[-1].hash)
