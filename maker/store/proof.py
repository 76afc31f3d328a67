"""Whether one run is what was written: its chain, its events, its row, and what was noted of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from maker.core.events import Event, decode
from maker.core.fold import apply
from maker.core.models import Value
from maker.core.seams import Record
from maker.core.state import RunState, summary
from maker.core.text import one_line
from maker.errors import LogDamaged, MakerError
from maker.store import heads
from maker.store.integrity import Head
from maker.store.queries import Reader, RunRow


class Proof(Value, frozen=True, kw_only=True):
    """What was found of an intact log: where a note says so, too, and where an expected hash is.

    `noted` is None where nothing was noted beside the database.
    """

    row: RunRow
    noted: int | None
    expected_at: int | None


def prove(
    reader: Reader,
    row: RunRow,
    noted: Head | None,
    *,
    expect: str = "",
    look: Callable[[Event], object] = lambda event: None,
) -> Proof:
    """Check a whole log once, in constant memory; `look` sees each event. Raises LogDamaged.

    `expect` is the beginning of the hash, in hex, of the event that is looked for.
    """
    state, hash_at_note, expected_at = RunState(), b"", None
    for record in reader.log(row):
        look(_apply(state, record))
        if noted is not None and record.seq == noted.seq:
            hash_at_note = record.hash
        if expect and record.hash.hex().startswith(expect):
            expected_at = record.seq
    if noted is not None and reader.path is not None:
        heads.compare(reader.path, noted, row.head_seq, hash_at_note)
    _require_row(row, state)
    return Proof(row=row, noted=noted.seq if noted else None, expected_at=expected_at)


def _apply(state: RunState, record: Record) -> Event:
    """Fold an event of a log whose chain holds, though whoever forged it may have written it."""
    event = decode(record.payload, seq=record.seq)
    if record.timestamp != event.timestamp or not record.payload.startswith(_tags(record.type)):
        raise LogDamaged(
            f"event {record.seq} is listed as {record.type} at {record.timestamp}, but is "
            f"{type(event).__name__} at {event.timestamp}",
            seq=record.seq,
        )
    try:
        apply(state, event)
    except MakerError:
        raise
    except Exception as error:
        raise LogDamaged(
            f"event {record.seq} ({record.type}) makes no sense after those before it: {error!r}",
            seq=record.seq,
            advice="maker did not write this. Restore the database from a backup.",
        ) from error
    return event


@cache
def _tags(kind: str) -> tuple[bytes, bytes]:
    """How events of a type begin as they are written, in the first version and in later ones."""
    tag = b'{"type":"' + kind.encode()
    return tag + b'"', tag + b"@"


def _require_row(row: RunRow, state: RunState) -> None:
    if state.submitted is None:
        raise LogDamaged("the log does not begin with a TaskSubmitted", seq=1)
    folded = msgspec.to_builtins(summary(state))
    stored = msgspec.to_builtins(row.summary)
    wrong = [
        f"{name} ({stored[name]!r} instead of {value!r})"
        for name, value in folded.items()
        if stored[name] != value
    ]
    if wrong or row.damage:
        listed = row.damage or ", ".join(wrong)
        raise LogDamaged(
            f"the log is intact, but the run's row disagrees with it: {one_line(listed, 400)}",
            seq=row.head_seq,
            advice="Lists show the row: do not rely on them for this run. `maker show` reads the "
            "log.",
        )
