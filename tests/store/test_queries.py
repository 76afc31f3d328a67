"""What readers are told about runs, without writing, and without loading much."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import gone_process
from maker.core.models import RunId, Totals
from maker.errors import LogDamaged, MakerError, RunNotFound, StoreError
from maker.store import ddl, migrate
from maker.store.lease import this_process
from maker.store.queries import Reader, RunRow
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

NOW = 1_700_000_000.0
OLD, BUSY, DONE = (
    RunId(f"01890000-0000-7000-8000-0000{end}") for end in ("0000aaaa", "0000bbbb", "000accaa")
)
BIG = "x" * 100_000


@pytest.fixture
async def place(tmp_path: Path, log: MakeLog, summary: MakeSummary) -> str:
    """A database with a crashed run, one that is being worked on, and a completed one."""
    store = SqlStore(tmp_path / "maker.db")
    await store.append(OLD, log("a"), {}, summary(instruction="Rename 100%", started_at=1.0))
    await store.append(BUSY, log("b"), {}, summary(instruction="rename all_of it", started_at=2.0))
    await store.append(
        DONE,
        log("c", BIG),
        {"ab" * 32: b"wrong content"},
        summary(status="completed", started_at=3.0, totals=Totals(cost_usd=0.5, tokens=7)),
    )
    await store.acquire(OLD, "elsewhere:1:x", NOW - 100, 60.0)
    await store.acquire(BUSY, "elsewhere:2:x", NOW, 60.0)
    await store.close()
    return str(tmp_path / "maker.db")


def ids(rows: Iterable[RunRow]) -> list[RunId]:
    return [row.run_id for row in rows]


def test_runs_are_listed_newest_first_with_their_summary(place: str, summary: MakeSummary) -> None:
    with Reader(place, now=NOW) as reader:
        rows = reader.runs()
    assert ids(rows) == [DONE, BUSY, OLD]
    assert rows[0].summary.totals == Totals(cost_usd=0.5, tokens=7)
    assert (rows[0].head_seq, len(rows[0].head_hash)) == (2, 64)


def test_a_run_that_counts_as_running_but_whose_lease_ran_out_has_crashed(place: str) -> None:
    with Reader(place, now=NOW) as reader:
        assert [row.status for row in reader.runs()] == ["completed", "running", "crashed"]
        assert ids(reader.runs(status="crashed")) == [OLD]
        assert ids(reader.runs(status="running")) == [BUSY]
        assert ids(reader.runs(status="completed")) == [DONE]
    with Reader(place, now=NOW + 61) as reader:
        assert ids(reader.runs(status="crashed")) == [BUSY, OLD]


async def test_a_run_of_a_dead_process_has_crashed_before_its_lease_runs_out(place: str) -> None:
    store = SqlStore(place)
    await store.acquire(OLD, gone_process(), NOW, 60.0)
    with Reader(place, now=NOW) as reader:
        assert reader.run(OLD).crashed
    await store.acquire(OLD, this_process(), NOW, 60.0)
    with Reader(place, now=NOW) as reader:
        assert not reader.run(OLD).crashed
    await store.close()


def test_runs_are_filtered_by_text_time_and_number(place: str) -> None:
    with Reader(place, now=NOW) as reader:
        assert ids(reader.runs(text="RENAME")) == [BUSY, OLD]
        assert ids(reader.runs(text="0%")) == [OLD]
        assert ids(reader.runs(text="l_o")) == [BUSY]
        assert ids(reader.runs(text="!")) == []
        assert ids(reader.runs(since=2.0)) == [DONE, BUSY]
        assert ids(reader.runs(limit=1)) == [DONE]
        assert ids(reader.runs(status="running", limit=1)) == [BUSY]
        assert ids(reader.runs(limit=None)) == [DONE, BUSY, OLD]


@pytest.mark.parametrize(
    ("reference", "run"),
    [
        (OLD, OLD),
        (OLD.upper(), OLD),
        (OLD.replace("-", ""), OLD),
        ("bbbb", BUSY),
        ("0000bbbb", BUSY),
        ("0189-0000000070008000-0000000a", DONE),
        ("@last", DONE),
        ("@last~0", DONE),
        ("@last~2", OLD),
    ],
)
def test_a_run_is_found_by_id_beginning_end_or_age(place: str, reference: str, run: RunId) -> None:
    with Reader(place) as reader:
        assert reader.resolve(reference) == run


def test_an_ambiguous_reference_names_its_candidates(place: str) -> None:
    with Reader(place) as reader, pytest.raises(RunNotFound) as refused:
        reader.resolve("0189")
    assert all(run in refused.value.message for run in (OLD, BUSY, DONE))


@pytest.mark.parametrize(
    "reference", ["", "aaa", "last", "%%%%", "dddd", "@last~3", "@last~-1", "x" * 99]
)
def test_a_reference_to_no_run_is_refused_with_advice(place: str, reference: str) -> None:
    with Reader(place) as reader, pytest.raises(RunNotFound) as refused:
        reader.resolve(reference)
    assert "maker history" in refused.value.advice


def test_records_are_those_that_were_appended(place: str, log: MakeLog) -> None:
    with Reader(place) as reader:
        assert reader.records(DONE) == log("c", BIG)


@pytest.mark.parametrize("run", ["00000000-0000-7000-8000-000000000000", "not a run id"])
def test_a_run_that_is_not_there_is_not_found(place: str, run: str) -> None:
    with Reader(place) as reader:
        with pytest.raises(RunNotFound, match=run):
            reader.run(RunId(run))
        with pytest.raises(RunNotFound, match=run):
            reader.records(RunId(run))


def test_a_blob_whose_content_is_not_what_its_name_says_is_never_handed_out(place: str) -> None:
    with Reader(place) as reader:
        with pytest.raises(LogDamaged, match="does not match"):
            reader.blob("ab" * 32)
        with pytest.raises(StoreError, match="no blob"):
            reader.blob("cd" * 32)


async def test_the_newest_run_is_the_one_begun_last_whatever_the_clock_said(
    place: str, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(place)
    for number, started_at in enumerate((4e9, 2.5, 1.5)):
        run = RunId(f"01890000-0000-7000-8000-00000000100{number}")
        await store.append(run, log("x"), {}, summary(started_at=started_at))
        with Reader(place) as reader:
            assert reader.resolve("@last") == run
            assert reader.resolve("@last~1") == ids(reader.runs())[1]
    await store.close()


@pytest.mark.parametrize(
    "value", ["-1", "1e300", "9e999", "-9e999", "CAST('soon' AS TEXT)", "NULL", "x'ff'"]
)
def test_an_impossible_value_in_one_row_leaves_the_other_runs_listed(
    place: str, value: str
) -> None:
    """STRICT tables refuse most of them; a damaged page or another schema does not."""
    with closing(sqlite3.connect(place)) as raw:
        (view,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'v_runs'").fetchone()
        for column in ("started_at", "lease_expires_at", "tokens"):
            odd = f"CASE run WHEN 1 THEN {value} ELSE {column} END AS {column}"
            view = view.replace(f"{column},", f"{odd},", 1)
        raw.execute("DROP VIEW v_runs")
        raw.execute(view)
    with Reader(place, now=NOW) as reader:
        rows = {row.run_id: row for row in reader.runs()}
    assert set(rows) == {OLD, BUSY, DONE}
    assert (rows[BUSY].status, rows[DONE].status) == ("running", "completed")
    assert rows[OLD].status in ("crashed", "damaged")


def test_what_is_no_text_in_one_row_leaves_the_other_runs_listed(place: str) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as raw:
        raw.execute("UPDATE runs SET instruction = CAST(x'fffe' AS TEXT) WHERE run = 1")
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("UPDATE events SET payload = CAST(x'22ff22' AS TEXT) WHERE run = 2")
    with Reader(place) as reader:
        assert [row.summary.instruction for row in reader.runs()][2] == "\ufffd\ufffd"
        with pytest.raises(LogDamaged):
            reader.records(BUSY)
        assert reader.records(OLD)


async def test_a_writer_calls_what_is_no_text_damage(place: str) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("UPDATE events SET payload = CAST(x'22ff22' AS TEXT) WHERE run = 2")
    store = SqlStore(place)
    with pytest.raises(LogDamaged, match="a text in it is none"):
        await store.load(BUSY)
    await store.close()


def test_where_there_is_no_database_there_are_no_runs_and_none_is_created(tmp_path: Path) -> None:
    place = tmp_path / "none" / "maker.db"
    with Reader(str(place)) as reader:
        assert reader.runs() == []
        with pytest.raises(RunNotFound, match="no runs yet"):
            reader.resolve("@last")
        with pytest.raises(RunNotFound):
            reader.records(OLD)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_has_no_runs(tmp_path: Path) -> None:
    (tmp_path / "maker.db").touch()
    with Reader(str(tmp_path / "maker.db")) as reader:
        assert reader.runs() == []


@pytest.mark.parametrize(("version", "words"), [(0, "maker db upgrade"), (99, "newer maker")])
def test_a_database_of_another_version_is_not_read(
    tmp_path: Path, version: int, words: str
) -> None:
    place = str(tmp_path / "maker.db")
    with migrate.transaction(place) as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {ddl.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
        connection.exec_driver_sql(ddl.ALEMBIC_TABLE)
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{version:04d}')")
    with pytest.raises(MakerError) as refused, Reader(place):
        pass
    assert words in refused.value.advice


async def test_readers_do_not_write(place: str) -> None:
    with Reader(place) as reader, pytest.raises(StoreError, match="cannot be written"):
        reader.fetch("DELETE FROM runs RETURNING run", {})


async def test_a_reader_sees_what_was_appended_since(
    place: str, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(place)
    first = await store.load(BUSY)
    with Reader(place) as reader:
        assert reader.records(BUSY) == first
        more = log("b2", after=first)
        await store.append(BUSY, more, {}, summary())
        assert reader.records(BUSY) == first + more
    await store.close()


def test_reading_a_database_loads_neither_sqlalchemy_nor_alembic_nor_a_driver_thread(
    place: str,
) -> None:
    program = """
import sys
from maker.store.queries import Reader
from maker.store.location import database_url
from maker.store.check import check
with Reader(database_url(sys.argv[1], {})) as reader:
    reader.records(reader.resolve("@last"))
check(sys.argv[1])
heavy = {"sqlalchemy", "alembic", "aiosqlite", "asyncio", "claude_agent_sdk"}
print(sorted({name.partition(".")[0] for name in sys.modules} & heavy))
"""
    shown = subprocess.run(
        [sys.executable, "-c", program, place], check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"
