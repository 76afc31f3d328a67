"""Which contents the events of a run refer to by hash: prompts, and payloads too big for a row.

Whoever lets an event refer to another kind of content adds it to `named`.
"""

from __future__ import annotations

from collections.abc import Iterator

from maker.core import events as e
from maker.store import rows
from maker.store.reading import Fetch

_AT_ONCE = 1000
_REFERRING = """
    SELECT e.seq, e.appended_at, e.type, e.payload, e.hash, e.blob, b.codec, b.content
    FROM events e LEFT JOIN blobs b ON b.digest = e.blob
    WHERE e.run = :key AND e.seq > :after AND (e.type = 'AgentReplied' OR e.blob IS NOT NULL)
    ORDER BY e.seq LIMIT :limit"""


def named(event: e.Event) -> Iterator[bytes]:
    """The contents that an event names."""
    if isinstance(event, e.AgentReplied):
        yield rows.digest_bytes(event.prompt)


def of_run(fetch: Fetch, key: int, after: int = 0) -> Iterator[bytes]:
    """The contents that a run needs for its events after a number; some more than once."""
    while part := fetch(_REFERRING, {"key": key, "after": after, "limit": _AT_ONCE}):
        for row in part:
            if row["blob"] is not None:
                yield rows.stored_digest(row["blob"])
            yield from named(e.decode(rows.record_of(row).payload, seq=row["seq"]))
        after = part[-1]["seq"]
