"""Following a run that somebody else works on: its events as they are stored, until it rests.

Read asynchronously, so that whoever follows can do other things, or follow several runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from maker.core.models import RunId
from maker.core.seams import Clock, Record
from maker.store import location, rows
from maker.store.integrity import START, Head, linked
from maker.store.payloads import reference_of
from maker.store.queries import ONE, Reader, RunRow

Fetch = Callable[[str, Mapping[str, Any]], Awaitable[Sequence[rows.Row]]]

LOOK_EVERY_S = 0.5
EVENTS_AT_ONCE = 1_000


async def followed(url: str, run: RunId, clock: Clock) -> AsyncIterator[Record]:
    """Every record of the run, those to come as they are stored; ends when nobody works on it.

    Raises RunNotFound, and LogDamaged where a record does not follow the one before.
    """
    async with _fetching(url) as fetch:
        head = START
        while True:
            listed = await fetch(ONE, {"run_id": run.lower()})
            if not listed:
                raise rows.no_such_run(run)
            row = Reader(url, now=clock.now()).row(listed[0])
            async for record in _after(row, head, fetch):
                yield record
                head = Head(record.seq, record.hash)
            if head.seq == row.head_seq and row.status != "running":
                return
            await clock.sleep(LOOK_EVERY_S if head.seq == row.head_seq else 0)


@asynccontextmanager
async def _fetching(url: str) -> AsyncIterator[Fetch]:
    """Runs statements without blocking: on SQLite by aiosqlite, elsewhere in a thread."""
    path = location.sqlite_path(location.normal(url))
    if path is None:
        with Reader(url) as reader:
            yield lambda statement, values: asyncio.to_thread(reader.fetch, statement, values)
        return
    with Reader(url):  # refuses what is no database of maker's, in words
        pass
    # Imported here because only who follows a run needs it.
    import aiosqlite

    async with aiosqlite.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10.0) as database:
        database.row_factory = aiosqlite.Row

        async def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[rows.Row]:
            fetched: Any = await database.execute_fetchall(statement, dict(values))
            return [*fetched]

        yield fetch


async def _after(row: RunRow, head: Head, fetch: Fetch) -> AsyncIterator[Record]:
    while head.seq < row.head_seq:
        place = {"key": row.key, "after": head.seq}
        most = min(EVENTS_AT_ONCE, row.head_seq - head.seq)
        part = await fetch(rows.PART, {**place, "limit": most})
        earlier = await _referred(part, row.key, fetch)
        log = rows.Log(row.key, _looking_up(earlier))
        for record in linked(map(log.record, part), head):
            yield record
            head = Head(record.seq, record.hash)
        if not part:
            return


def _looking_up(referred: Mapping[int, Sequence[rows.Row]]) -> rows.Fetch:
    return lambda statement, values: referred[values["seq"]]


async def _referred(
    part: Sequence[rows.Row], key: int, fetch: Fetch
) -> dict[int, Sequence[rows.Row]]:
    """The rows that the rows of a part refer to, wherever in the log they are."""
    referred: dict[int, Sequence[rows.Row]] = {}
    waiting = list(part)
    while waiting:
        seq = reference_of(waiting.pop()["payload"])
        if seq is not None and seq not in referred:
            referred[seq] = await fetch(rows.EVENT, {"key": key, "seq": seq})
            waiting += referred[seq]
    return referred
