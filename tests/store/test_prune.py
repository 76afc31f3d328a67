"""Pruning deletes whole old runs and what only they needed, and touches nothing else."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from stored_runs import by_sample, cut, database, stored

from fakes import FakeClock, plan, step
from maker.core.models import RunId, TaskConfig
from maker.errors import StoreError
from maker.store import heads, prune, references, sizes
from maker.store.ages import prunable
from maker.store.check import check
from maker.store.prune import Pruned
from maker.store.queries import Reader, RunRow
from maker.store.sql import SqlStore

DAY = 86_400.0
NOW = 1_700_000_000.0
BIG = "x" * 100_000


def made(age_days: float, answer: object = None, **config: object) -> RunId:
    """A run whose last event is so many days old."""
    answers = [{"n": 3} if answer is None else answer]
    settings = TaskConfig(**{"instruction": "Count.", **config})  # type: ignore[arg-type]
    return stored(
        by_sample(answers), plan(), config=settings, clock=FakeClock(NOW - age_days * DAY)
    )


def old(days: float = 30, *, keep_failed: bool = False) -> list[RunRow]:
    with Reader(str(database()), now=NOW) as reader:
        return prunable(reader, NOW - days * DAY, NOW, keep_failed=keep_failed)


def ids(rows: list[RunRow]) -> list[RunId]:
    return [row.run_id for row in rows]


def left() -> list[RunId]:
    with Reader(str(database())) as reader:
        return ids(reader.runs())


def pruned(days: float = 30) -> Pruned:
    return prune.prune(str(database()), old(days))


def lease(run: RunId, until: float) -> None:
    async def take() -> None:
        store = SqlStore(database())
        await store.acquire(run, "elsewhere:1:x", until - 60, 60.0)
        await store.close()

    asyncio.run(take())


def test_old_runs_go_and_young_ones_stay_untouched() -> None:
    gone, kept = made(40), made(20)
    with Reader(str(database())) as reader:
        before = reader.records(kept)
    assert pruned().runs == [gone]
    assert left() == [kept]
    with Reader(str(database())) as reader:
        assert reader.records(kept) == before
    assert check(str(database())).problems == ()
    assert list(heads.read(database()).heads) == [kept]


def test_what_another_run_needs_stays_and_the_rest_goes() -> None:
    made(40, {"n": 3, "text": BIG})
    made(40, {"n": 4, "text": BIG + "y"})
    kept = made(20, {"n": 3, "text": BIG})
    assert pruned().contents > 0
    assert check(str(database())).problems == ()
    assert left() == [kept]


def test_the_file_shrinks_by_what_was_deleted() -> None:
    for number in range(5):
        made(40, {"n": number, "text": "".join(map(chr, range(0x4E00, 0x8E00)))})
    made(1)
    with Reader(str(database())) as reader:
        before = sizes.of_database(reader)
    assert pruned().in_use is False
    with Reader(str(database())) as reader:
        after = sizes.of_database(reader)
    assert after.total < before.total / 3
    assert after.free == 0


def test_runs_that_did_not_come_to_their_end_can_be_kept() -> None:
    completed = made(40)
    failed = made(40, "nothing")
    paused = made(40, dry_run=True)
    assert ids(old()) == [completed, failed, paused]
    assert ids(old(keep_failed=True)) == [completed]


def test_a_crashed_run_is_old_like_any_other() -> None:
    run = cut(made(40), 4)
    assert ids(old()) == [run]
    assert old(keep_failed=True) == []


def test_a_run_that_somebody_works_on_is_never_deleted() -> None:
    run = made(40, dry_run=True)
    lease(run, NOW + 30)
    assert old() == []


@pytest.mark.parametrize("how", ["lease", "append"])
def test_a_run_that_was_taken_up_since_it_was_listed_is_kept(how: str) -> None:
    taken, gone = made(40, dry_run=True), made(40)
    rows = old()
    if how == "lease":
        lease(taken, NOW + 30)
    else:
        with closing(sqlite3.connect(database(), isolation_level=None)) as raw:
            raw.execute("UPDATE runs SET head_seq = head_seq + 1 WHERE run = 1")
    assert prune.prune(str(database()), rows).runs == [gone]
    assert left() == [taken]


def test_while_a_run_goes_on_the_file_keeps_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    made(40)
    live = made(1, dry_run=True)
    lease(live, 4e9)
    assert pruned().in_use is True
    assert left() == [live]


def test_what_a_run_begins_to_need_meanwhile_is_not_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made(40, {"n": 3, "text": BIG})
    rows, caught_up = old(), prune._Needed.catch_up

    def and_then_another_run_needs_the_same(self: prune._Needed, connection: object) -> None:
        caught_up(self, connection)  # type: ignore[arg-type]
        monkeypatch.setattr(prune._Needed, "catch_up", caught_up)
        made(1, {"n": 3, "text": BIG})

    monkeypatch.setattr(prune._Needed, "catch_up", and_then_another_run_needs_the_same)
    prune.prune(str(database()), rows)
    assert len(left()) == 1
    assert check(str(database())).problems == ()


def test_a_clock_that_went_back_makes_no_run_look_old() -> None:
    before = made(2)
    reset = made(20_000)
    assert ids(old(1)) == [before, reset]
    assert old(10) == []


def test_a_clock_that_was_ahead_makes_no_run_look_old_and_hides_no_other() -> None:
    first, ahead, after = made(40), made(-4000), made(35)
    assert ids(old()) == [first, after]
    assert left() == [after, ahead, first]


def test_a_damaged_row_is_no_evidence() -> None:
    made(40)
    with closing(sqlite3.connect(database(), isolation_level=None)) as raw:
        raw.execute("UPDATE runs SET updated_at = -9e999")
    assert old() == []


def test_what_a_damaged_log_may_need_is_kept() -> None:
    gone, damaged = made(40), made(1)
    with closing(sqlite3.connect(database(), isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("UPDATE events SET payload = '{}' WHERE run = 2 AND type = 'AgentReplied'")
        before = raw.execute("SELECT count(*) FROM blobs").fetchone()
    result = pruned()
    assert (result.runs, result.contents) == ([gone], 0)
    assert "cannot be read" in result.damage
    with Reader(str(database())) as reader:
        (row,) = reader.runs()
        assert (row.run_id, sizes.of_run(reader, row)) == (damaged, None)
    with closing(sqlite3.connect(database())) as raw:
        assert raw.execute("SELECT count(*) FROM blobs").fetchone() == before


def test_nothing_is_deleted_where_the_noted_ends_cannot_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = made(40)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(heads, "forget", refuse)
    with pytest.raises(StoreError, match="cannot be written"):
        pruned()
    assert left() == [run]


def test_the_room_that_a_run_takes_is_about_what_it_stores() -> None:
    small, big = made(1), made(1, {"n": 3, "text": "".join(map(chr, range(0x4E00, 0x8E00)))})
    with Reader(str(database())) as reader:
        measured = {row.run_id: sizes.of_run(reader, row) or 0 for row in reader.runs()}
        total = sizes.of_database(reader).total
    assert 1000 < measured[small] < measured[big] / 3
    assert total / 3 < sum(measured.values()) < total


@pytest.mark.parametrize(
    ("octets", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (31_600, "31.6 kB"), (2.4e9, "2.4 GB"),
     (316_000, "316 kB"), (3e15, "3000 TB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(octets: float, words: str) -> None:
    assert sizes.size_text(int(octets)) == words


def test_many_events_and_contents_are_deleted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "_CONTENTS_AT_ONCE", 2)
    monkeypatch.setattr(references, "_AT_ONCE", 2)
    steps = plan(*(step(n, next_step_sequence_number=n + 1 if n < 4 else -1) for n in range(5)))
    stored(by_sample([{"n": 3}]), steps, clock=FakeClock(NOW - 40 * DAY))
    kept = made(1)
    assert pruned().contents >= 4
    assert left() == [kept]
    assert check(str(database())).problems == ()


def test_an_older_database_is_upgraded_before_it_is_pruned(tmp_path: Path) -> None:
    source = Path(__file__).parent / "databases" / "version-1.db.gz"
    path = tmp_path / "older.db"
    path.write_bytes(gzip.decompress(source.read_bytes()))
    with Reader(str(path)) as reader:
        rows = prunable(reader, 4e9, 4.1e9, keep_failed=True)
    assert len(prune.prune(str(path), rows).runs) == 4
    assert check(str(path)).problems == ()
