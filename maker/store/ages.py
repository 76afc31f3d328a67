"""Which runs are old, whatever the clock said when they were carried out."""

from __future__ import annotations

from maker.store.queries import Reader, RunRow

_UNFINISHED = frozenset({"failed", "paused", "crashed", "running"})


def prunable(reader: Reader, before: float, now: float, *, keep_failed: bool) -> list[RunRow]:
    """The runs at rest whose last event is older than `before`, the oldest first.

    A run begins after those that were begun before it: so a clock that went back makes none look
    old, and one that was ahead makes none look old before its time. A damaged row is no evidence.
    """
    rows, begun = [], 0.0
    for row in reversed(reader.runs(limit=None)):
        if row.summary.started_at <= now:
            begun = max(begun, row.summary.started_at)
        is_old = max(begun, row.summary.updated_at) < before
        is_kept = row.is_held or row.damage or (keep_failed and row.status in _UNFINISHED)
        if is_old and not is_kept:
            rows.append(row)
    return rows
