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


START = Head(0, events.GENESIS)
"""The head of a log without records: the first record is number 1."""


def verify_chain(records: Sequence[Record], after: Head = START) -> bytes:
    """The hash of the last record. Raises LogDamaged at the first that does not follow."""
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
    return previous


def verify_log(records: Sequence[Record], head: Head) -> None:
    """Check that the log is intact and ends where the run's row says. Raises LogDamaged."""
    found = verify_chain(records)
    last = records[-1].seq if records else START.seq
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


def follow(run: RunId, head: Head, records: Sequence[Record]) -> Head:
    """The head after `records`. Raises ConcurrentAppend where they follow another head."""
    if not records:
        raise StoreError(f"nothing to append to run {run}: the group of events is empty")
    if records[0].seq != head.seq + 1:
        raise overtaken(run, records[0].seq)
    try:
        return Head(records[-1].seq, verify_chain(records, head))
    except LogDamaged as damage:
        raise StoreError(f"run {run} cannot be appended to: {damage.message}") from damage


def overtaken(run: RunId, seq: int) -> ConcurrentAppend:
    """The error of a writer whose place in the log was taken by another one."""
    return ConcurrentAppend(
        f"event {seq} cannot be appended to run {run}: its log ends elsewhere by now",
        advice="Another process works on this run. See `maker history`.",
    )
