"""Events are never changed, replaced or lost, whoever writes to the database."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import ConcurrentAppend, LogDamaged
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

RUN = RunId(str(uuid.UUID(int=7)))
COLUMNS = "run, seq, type, appended_at, payload, hash"
VALUES = "SELECT run, seq, 'Forged', appended_at, '\"forged\"', hash FROM events WHERE seq = 2"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(tmp_path / "maker.db")
    yield made
    await made.close()


@pytest.fixture
async def written(store: SqlStore, log: MakeLog, summary: MakeSummary) -> list[Record]:
    records = log("a", "b", "c")
    await store.append(RUN, records, {}, summary())
    return records


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "maker.db", isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = '1' WHERE seq = 2",
        "UPDATE OR REPLACE events SET seq = 1 WHERE seq = 2",
        "DELETE FROM events WHERE seq = 2",
        "DELETE FROM events",
        f"INSERT INTO events ({COLUMNS}) {VALUES}",
        f"INSERT OR REPLACE INTO events ({COLUMNS}) {VALUES}",
        f"REPLACE INTO events ({COLUMNS}) {VALUES}",
        f"INSERT OR IGNORE INTO events ({COLUMNS}) {VALUES}",
        f"INSERT INTO events ({COLUMNS}) {VALUES} AND true"
        " ON CONFLICT (run, seq) DO UPDATE SET payload = excluded.payload",
        f"INSERT INTO events ({COLUMNS}) {VALUES} AND true ON CONFLICT DO NOTHING",
    ],
)
async def test_no_statement_changes_an_event(
    store: SqlStore, written: list[Record], raw: sqlite3.Connection, statement: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="event"):
        raw.execute(statement)
    assert await store.load(RUN) == written


async def test_the_events_of_a_run_that_is_marked_pruned_can_be_deleted(
    written: list[Record], raw: sqlite3.Connection
) -> None:
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("UPDATE runs SET pruned = 1")
    raw.execute("DELETE FROM events")
    raw.execute("DELETE FROM runs")
    raw.execute("COMMIT")
    assert raw.execute("SELECT count(*) FROM events").fetchone() == (0,)


async def test_the_mark_of_one_run_opens_no_other(
    store: SqlStore,
    written: list[Record],
    raw: sqlite3.Connection,
    log: MakeLog,
    summary: MakeSummary,
) -> None:
    other = RunId(str(uuid.UUID(int=8)))
    await store.append(other, log("x"), {}, summary())
    raw.execute("UPDATE runs SET pruned = 1 WHERE run_id = ?", [uuid.UUID(RUN).bytes])
    with pytest.raises(sqlite3.IntegrityError, match="pruned"):
        raw.execute("DELETE FROM events")


async def test_a_run_with_events_cannot_lose_its_row(
    written: list[Record], raw: sqlite3.Connection
) -> None:
    raw.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        raw.execute("DELETE FROM runs")


@pytest.mark.parametrize(
    ("edit", "seq"),
    [
        ("UPDATE events SET payload = '\"B\"' WHERE seq = 2", 2),
        ("UPDATE events SET hash = zeroblob(32) WHERE seq = 2", 2),
        ("UPDATE events SET hash = (SELECT hash FROM events WHERE seq = 3) WHERE seq = 2", 2),
        ("DELETE FROM events WHERE seq = 1", 1),
        ("DELETE FROM events WHERE seq = 2", 2),
        ("DELETE FROM events WHERE seq = 3", 3),
        ("DELETE FROM events", 1),
        ("UPDATE runs SET head_hash = zeroblob(32)", 3),
        ("UPDATE runs SET head_seq = 2", 3),
    ],
)
async def test_an_edit_behind_the_triggers_is_found_with_its_place(
    store: SqlStore, written: list[Record], raw: sqlite3.Connection, edit: str, seq: int
) -> None:
    raw.execute("DROP TRIGGER events_no_update")
    raw.execute("DROP TRIGGER events_no_delete")
    raw.execute(edit)
    with pytest.raises(LogDamaged) as found:
        await store.load(RUN)
    assert found.value.seq == seq


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE blobs SET content = zeroblob(10)",
        "UPDATE blobs SET codec = 'raw'",
        "PRAGMA foreign_keys = OFF; DELETE FROM blobs",
    ],
)
async def test_an_edited_or_lost_big_payload_is_found(
    store: SqlStore,
    raw: sqlite3.Connection,
    log: MakeLog,
    summary: MakeSummary,
    edit: str,
) -> None:
    await store.append(RUN, log("a", "b" * 100_000), {}, summary())
    assert raw.execute("SELECT seq FROM events WHERE payload IS NULL").fetchall() == [(2,)]
    raw.executescript(edit)
    with pytest.raises(LogDamaged) as found:
        await store.load(RUN)
    assert found.value.seq == 2


async def test_the_same_big_payload_of_two_runs_is_stored_once(
    store: SqlStore, raw: sqlite3.Connection, log: MakeLog, summary: MakeSummary
) -> None:
    for number in range(2):
        run = RunId(str(uuid.UUID(int=number)))
        await store.append(run, log("b" * 100_000), {}, summary())
    assert raw.execute("SELECT count(*), max(length(content)) < 1000 FROM blobs").fetchone() == (
        1,
        1,
    )


async def test_of_two_stores_that_append_at_the_same_place_one_is_refused(
    store: SqlStore, written: list[Record], tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    other = SqlStore(tmp_path / "maker.db")
    try:
        assert await other.load(RUN) == written
        theirs = log("theirs", after=written)
        await other.append(RUN, theirs, {}, summary())
        with pytest.raises(ConcurrentAppend, match=RUN):
            await store.append(RUN, log("mine", after=written), {}, summary())
        assert await store.load(RUN) == written + theirs
        await store.append(RUN, log("next", after=written + theirs), {}, summary())
    finally:
        await other.close()


async def test_of_two_stores_that_begin_the_same_run_one_is_refused(
    store: SqlStore, tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    other = SqlStore(tmp_path / "maker.db")
    try:
        await other.append(RUN, log("theirs"), {}, summary())
        with pytest.raises(ConcurrentAppend):
            await store.append(RUN, log("mine"), {}, summary())
    finally:
        await other.close()


async def test_the_row_of_a_run_shows_the_last_summary(
    store: SqlStore,
    written: list[Record],
    raw: sqlite3.Connection,
    log: MakeLog,
    summary: MakeSummary,
) -> None:
    await store.append(
        RUN, log("d", after=written), {}, summary(status="completed", steps_done=3, model="m")
    )
    row = raw.execute("SELECT run_id, status, steps_done, model, head_seq FROM v_runs").fetchone()
    assert row == (RUN, "completed", 3, "m", 4)


async def test_views_show_ids_and_hashes_as_text(
    written: list[Record], raw: sqlite3.Connection
) -> None:
    row = raw.execute("SELECT run_id, hash FROM v_events WHERE seq = 3").fetchone()
    assert row == (RUN, written[2].hash.hex())
