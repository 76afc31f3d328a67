"""What was noted beside the database when a run stopped shows what a chain alone cannot."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import LogDamaged
from maker.store import heads
from maker.store.integrity import Head
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

RUN, OTHER = (RunId(str(uuid.UUID(int=number))) for number in (7, 8))
ME = "here:1:x"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "maker.db"


async def stopped(
    path: Path, log: MakeLog, summary: MakeSummary, *payloads: str, run: RunId = RUN
) -> list[Record]:
    """A run that was worked on and then given back."""
    store = SqlStore(path)
    records = log(*payloads)
    await store.acquire(run, ME, 1.0, 60.0)
    await store.append(run, records, {}, summary())
    await store.release(run, ME)
    await store.close()
    return records


def cut(path: Path, last: int) -> None:
    """Take the end off the log, in the row, too: what is left is a whole chain."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER events_no_delete")
        raw.execute("DELETE FROM events WHERE seq > ?", [last])
        raw.execute(
            "UPDATE runs SET head_seq = ?1, head_hash = (SELECT hash FROM events WHERE seq = ?1)",
            [last],
        )


async def load(path: Path) -> list[Record]:
    store = SqlStore(path)
    try:
        return await store.load(RUN)
    finally:
        await store.close()


async def test_the_end_of_a_run_that_stops_is_noted_beside_the_database(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    records = await stopped(path, log, summary, "a", "b", "c")
    assert heads.read(path).heads == {RUN: Head(3, records[-1].hash)}
    assert heads.file_of(path).stat().st_mode & 0o777 == 0o600
    assert await load(path) == records


async def test_a_run_that_stops_leaves_nothing_in_the_wal_alone(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(path)
    await store.append(RUN, log("a", "b"), {}, summary())
    await store.release(RUN, ME)
    try:
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as without_wal:
            assert without_wal.execute("SELECT count(*) FROM events").fetchone() == (2,)
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("last", "words"), [(2, "its last event is"), (1, "its last 2 events are")]
)
async def test_a_log_that_lost_its_end_is_damaged_and_says_what_is_lost(
    path: Path, log: MakeLog, summary: MakeSummary, last: int, words: str
) -> None:
    await stopped(path, log, summary, "a", "b", "c")
    cut(path, last)
    with pytest.raises(LogDamaged, match=f"{words} lost") as found:
        await load(path)
    assert found.value.seq == last + 1
    assert str(heads.file_of(path)) in found.value.advice


async def test_a_log_that_was_written_anew_is_damaged(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    await stopped(path, log, summary, "a", "b", "c")
    path.unlink()
    await stopped(path.with_name("forged.db"), log, summary, "a", "B", "C", "d")
    path.with_name("forged.db").rename(path)
    with pytest.raises(LogDamaged, match="rewritten") as found:
        await load(path)
    assert found.value.seq == 3


async def test_a_log_that_lost_its_end_never_takes_its_note_back(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    records = await stopped(path, log, summary, "a", "b", "c")
    cut(path, 2)
    store = SqlStore(path)
    await store.append(RUN, log("x", after=records[:2]), {}, summary())
    await store.release(RUN, ME)
    await store.close()
    assert heads.read(path).heads[RUN] == Head(3, records[-1].hash)


async def test_a_log_that_has_grown_is_in_order_and_is_noted_anew(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    records = await stopped(path, log, summary, "a", "b")
    store = SqlStore(path)
    assert await store.load(RUN) == records
    more = log("c", after=records)
    await store.append(RUN, more, {}, summary())
    assert await store.load(RUN) == records + more
    await store.release(RUN, ME)
    await store.close()
    assert heads.read(path).heads[RUN] == Head(3, more[-1].hash)


async def test_a_copy_without_the_file_is_no_damage(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    records = await stopped(path, log, summary, "a", "b")
    heads.file_of(path).unlink()
    assert await load(path) == records


async def test_a_folder_that_cannot_be_written_keeps_no_run_from_ending(
    path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    heads.file_of(path).mkdir(parents=True)
    records = await stopped(path, log, summary, "a")
    assert await load(path) == records


def test_what_cannot_be_read_in_the_file_is_counted_and_the_rest_still_holds(path: Path) -> None:
    heads.note(path, {RUN: Head(3, bytes(32)), OTHER: Head(4, bytes(32))})
    with heads.file_of(path).open("a") as file:
        file.write(f"{RUN} 9\nnonsense \xff\n")
    notes = heads.read(path)
    assert (sorted(notes.heads), notes.unreadable) == ([RUN, OTHER], 2)


def test_notes_that_are_made_at_once_are_all_kept(path: Path) -> None:
    runs = [RunId(str(uuid.UUID(int=number))) for number in range(40)]

    async def all_at_once() -> None:
        notes = (asyncio.to_thread(heads.note, path, {run: Head(1, bytes(32))}) for run in runs)
        await asyncio.gather(*notes)

    asyncio.run(all_at_once())
    assert sorted(heads.read(path).heads) == runs
    assert list(path.parent.iterdir()) == [heads.file_of(path)]


def test_the_notes_of_deleted_runs_are_taken_back(path: Path) -> None:
    heads.forget(path, [RUN])
    assert not heads.file_of(path).exists()
    heads.note(path, {RUN: Head(3, bytes(32)), OTHER: Head(4, bytes(32))})
    heads.forget(path, [RUN])
    assert list(heads.read(path).heads) == [OTHER]
