"""Which contents the events of a run refer to by hash: prompts, and payloads too big for a row.

Whoever lets an event refer to another kind of content adds it to `named`.
"""

from __future__ import annotations

from collections.abc import Iterator

from maker.core import events as e
from maker.store import recipes, rows
from maker.store.payloads import reference_of
from maker.store.rows import Fetch, Row

_AT_ONCE = 1000
_REFERRING = """
    SELECT e.seq, e.appended_at, e.type, e.payload, e.hash, e.blob, b.codec, b.content
    FROM events e LEFT JOIN blobs b ON b.digest = e.blob
    WHERE e.run = :key AND e.seq > :after AND (e.type = 'AgentReplied' OR e.blob IS NOT NULL)
    ORDER BY e.seq LIMIT :limit"""

_RECIPE = f"SELECT codec, content FROM blobs WHERE digest = :digest AND codec = '{recipes.CODEC}'"


def named(event: e.Event) -> Iterator[bytes]:
    """The contents that an event names."""
    if isinstance(event, e.AgentReplied):
        yield rows.digest_bytes(event.prompt)


def parts_of(row: Row) -> list[bytes]:
    """The contents that a row of `blobs` is made of; none where it is whole."""
    return recipes.parts_of(row["content"]) if row["codec"] == recipes.CODEC else []


def of_run(fetch: Fetch, key: int, after: int = 0) -> Iterator[bytes]:
    """The contents that a run needs for its events after a number; some more than once."""
    log = rows.Log(key, fetch)
    while part := fetch(_REFERRING, {"key": key, "after": after, "limit": _AT_ONCE}):
        digests: list[bytes] = []
        for row in part:
            if row["blob"] is not None:
                digests.append(rows.stored_digest(row["blob"]))
            elif reference_of(row["payload"]) is not None:
                continue  # what it names, the event that it refers to names, too
            digests += named(e.decode(log.record(row).payload, seq=row["seq"]))
        yield from digests
        for digest in digests:
            for recipe in fetch(_RECIPE, {"digest": digest}):
                yield from parts_of(recipe)
        after = part[-1]["seq"]
