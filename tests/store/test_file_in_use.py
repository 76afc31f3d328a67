"""A database that vanishes or is replaced under a run is noticed, not written into the air."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import RUN
from maker.core import events as e
from maker.core.models import RunSummary
from maker.core.seams import Record
from maker.errors import StoreError
from maker.store.sql import SqlStore

SUMMARY = RunSummary(instruction="x", status="running")


def record(seq: int, previous: bytes) -> Record:
    payload = b'{"n":%d}' % seq
    chained = e.chain(previous, payload)
    return Record(seq=seq, timestamp=float(seq), type="N", payload=payload, hash=chained)


def copied_over(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


@pytest.mark.parametrize(
    "happen", [Path.unlink, lambda path: path.rename(path.with_name("moved.db")), copied_over]
)
async def test_a_database_that_vanishes_or_is_replaced_stops_the_run_that_writes_it(
    happen: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "runs.db"
    store = SqlStore(path)
    first = record(1, e.GENESIS)
    await store.append(RUN, [first], {}, SUMMARY)
    happen(path)
    try:
        with pytest.raises(StoreError, match="deleted, moved or replaced"):
            await store.append(RUN, [record(2, first.hash)], {}, SUMMARY)
    finally:
        await store.close()


@pytest.mark.parametrize("way", ["put back", "moved together"])
async def test_a_database_that_was_moved_under_a_run_loses_nothing_if_its_wal_comes_along(
    way: str, tmp_path: Path
) -> None:
    path, moved = tmp_path / "runs.db", tmp_path / "moved.db"
    wal = path.with_name("runs.db-wal")
    store = SqlStore(path)
    first = record(1, e.GENESIS)
    await store.append(RUN, [first], {}, SUMMARY)
    path.rename(moved)
    with pytest.raises(StoreError, match="moved") as refused:
        await store.append(RUN, [record(2, first.hash)], {}, SUMMARY)
    assert str(wal) in refused.value.advice
    await store.close()
    if way == "put back":
        moved.rename(path)
        moved = path
    else:
        wal.rename(moved.with_name("moved.db-wal"))
    again = SqlStore(moved)
    assert await again.load(RUN) == [first]
    await again.close()
