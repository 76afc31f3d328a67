"""Whether a log is the one that was written: numbers without a gap, and an unbroken hash chain.

Pure. It finds damage and careless edits; against the owner of the file it proves nothing, unless
the head was noted somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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


START = Head(0, events.GENESIS)
"""The head of a log without records: the first record is number 1."""


def linked(records: Iterable[Record], after: Head = START) -> Iterator[Record]:
    """Each record once it is found to follow. Raises LogDamaged at the first that does not."""
    previous = after.hash
    for expected, record in enumerate(records, after.seq + 1):
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
        yield record


def verified(records: Iterable[Record], head: Head) -> Iterator[Record]:
    """The records of a log, checked on the way, up to the head that the run's row notes.

    Raises LogDamaged where one does not follow, and where the log ends elsewhere.
    """
    last = START
    for record in linked(records):
        yield record
        last = Head(record.seq, record.hash)
    require_head(head, last)


def require_head(head: Head, last: Head) -> None:
    """Check that a log ends where the run's row notes. Raises LogDamaged."""
    require_end(head.seq, last.seq)
    if last.hash != head.hash:
        raise LogDamaged(
            f"the hash of event {last.seq} is not the one that the run's row notes",
            seq=last.seq,
            advice=_ADVICE,
        )


def require_end(expected: int, last: int) -> None:
    """Check that the last event is the one that the run's row notes. Raises LogDamaged."""
    if last != expected:
        raise damaged_end(expected, last)


def damaged_end(expected: int, last: int) -> LogDamaged:
    """The damage that a log does not end where the run's row notes."""
    return LogDamaged(
        f"the log should end with event {expected}, but ends with event {last}",
        seq=min(last, expected) + 1,
        advice=_ADVICE,
    )


def follow(run: RunId, head: Head, records: Sequence[Record]) -> Head:
    """The head after `records`. Raises ConcurrentAppend where they follow another head."""
    if not records:
        raise StoreError(f"nothing to append to run {run}: the group of events is empty")
    if records[0].seq != head.seq + 1:
        raise overtaken(run, records[0].seq)
    try:
        *_, last = linked(records, head)
    except LogDamaged as damage:
        raise StoreError(f"run {run} cannot be appended to: {damage.message}") from damage
    return Head(last.seq, last.hash)


def overtaken(run: RunId, seq: int) -> ConcurrentAppend:
    """The error of a writer whose place in the log was taken by another one."""
    return ConcurrentAppend(
        f"event {seq} cannot be appended to run {run}: its log ends elsewhere by now",
        advice="Another process works on this run. See `maker history`.",
    )
