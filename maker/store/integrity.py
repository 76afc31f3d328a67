"""Whether a log is the one that was written: numbers without a gap, and an unbroken hash chain.

Pure. It finds damage and careless edits; against the owner of the file it proves nothing, unless
the head was noted somewhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from maker.core import events
from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import ConcurrentAppend, LogDamaged, StoreError

_ADVICE = "Restore the database from a backup; `maker db check` lists every run that is affected."


class Head(Struct, frozen=True):
    """Where a log ends: the number and the hash of its last record."""

    seq: int
    hash: bytes


def verify_chain(records: Sequence[Record], previous: bytes = events.GENESIS) -> bytes:
    """The hash of the last record. Raises LogDamaged at the first record that does not follow.

    `previous` is the hash before the first record: for a whole log, GENESIS.
    """
    for expected, record in enumerate(records, records[0].seq if records else 0):
        if record.seq != expected:
            raise LogDamaged(
                f"event {expected} is missing: event {record.seq} is in its place",
                seq=expected,
                advice=_ADVICE,
            )
        previous = events.chain(previous, record.payload)
        if previous != record.hash:
            raise LogDamaged(
                f"event {record.seq} ({record.type}) does not match its hash: "
                "it, its hash or an event before it was changed",
                seq=record.seq,
                advice=_ADVICE,
            )
    return previous


def verify_log(records: Sequence[Record], head: Head) -> None:
    """Check that the log is intact and ends where the run's row says. Raises LogDamaged."""
    found = verify_chain(records)
    last = records[-1].seq if records else -1
    if last != head.seq:
        raise LogDamaged(
            f"the log should end with event {head.seq}, but ends with event {last}",
            seq=min(last, head.seq) + 1,
            advice=_ADVICE,
        )
    if found != head.hash:
        raise LogDamaged(
            f"the hash of event {last} is not the one that the run's row notes",
            seq=last,
            advice=_ADVICE,
        )


def follow(run: RunId, head: Head | None, records: Sequence[Record]) -> Head:
    """The head after `records`. Raises ConcurrentAppend where they do not follow `head`."""
    if not records:
        raise StoreError(f"nothing to append to run {run}: the group of events is empty")
    first, last = records[0], records[-1]
    if head is not None and first.seq != head.seq + 1:
        raise ConcurrentAppend(
            f"event {first.seq} cannot be appended to run {run}, whose last event is {head.seq}",
            advice="Another process works on this run. See `maker history`.",
        )
    try:
        return Head(last.seq, verify_chain(records, head.hash if head else events.GENESIS))
    except LogDamaged as damage:
        raise StoreError(f"run {run} cannot be appended to: {damage.message}") from damage
