"""A check of a whole database finds whatever is not what maker wrote, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_runs import by_sample, database, stored

from fakes import plan, step
from maker.core.models import RunId, TaskConfig
from maker.errors import LogDamaged, NoDatabase
from maker.store import check as checking
from maker.store import ddl, migrate, shape
from maker.store.check import DatabaseReport, check
from maker.store.heads import file_of

BIG = "x" * 100_000


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a completed run, one with a big output, one that failed, one that waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAKER_HOME", str(tmp_path_factory.mktemp("original")))
        steps = plan(step(0, next_step_sequence_number=1), step(1))
        stored(by_sample([{"n": 3}]), steps)
        stored(by_sample([{"n": 3, "text": BIG}]), steps)
        stored(by_sample(["nothing"]), plan())
        stored(by_sample([{"n": 3}]), plan(), config=TaskConfig(instruction="x", dry_run=True))
        return database()


@pytest.fixture
def place(original: Path) -> Path:
    """A copy of it, with its heads, at the place of this test."""
    database().parent.mkdir(parents=True)
    for path in (original, file_of(original)):
        shutil.copy(path, database().parent)
    return database()


def changed(place: Path, *statements: str) -> tuple[str, ...]:
    """What is found after somebody did this to the database, and what triggers there were."""
    with closing(sqlite3.connect(place, isolation_level=None)) as raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for name, _ in (kept := triggers.fetchall()):
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        for _, sql in kept:
            raw.execute(sql)
    return check(str(place)).problems


def test_where_there_is_no_database_nothing_is_wrong(tmp_path: Path) -> None:
    place = str(tmp_path / "none" / "maker.db")
    assert check(place) == DatabaseReport(place=place, version=None)
    assert list(tmp_path.iterdir()) == []


def test_a_sound_database_has_no_problems(place: Path) -> None:
    report = check(str(place))
    assert (report.version, report.runs, report.problems) == (ddl.VERSION, 4, ())
    assert report.events > 40


def test_an_empty_file_is_no_sound_database(tmp_path: Path) -> None:
    (tmp_path / "maker.db").touch()
    assert "is empty" in check(str(tmp_path / "maker.db")).problems[0]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("UPDATE events SET payload = '0' WHERE seq = 1 AND run = 1", "event 1"),
        (
            "UPDATE events SET type = 'TaskFailed' WHERE seq = 2 AND run = 1",
            "event 2 (TaskFailed)",
        ),
        (
            "UPDATE events SET appended_at = appended_at + 1 WHERE seq = 3",
            "event 3 (",
        ),
        ("DELETE FROM events WHERE run = 1 AND seq > 4", "should end with event"),
        ("UPDATE runs SET status = 'failed' WHERE run = 1", "status ('failed' instead of"),
        ("UPDATE runs SET instruction = 'y' WHERE run = 4", "instruction ('y' instead of 'x')"),
        ("UPDATE runs SET tokens = tokens + 1 WHERE run = 2", "row disagrees"),
        ("UPDATE runs SET started_at = 1e300 WHERE run = 2", "started_at (1e+300 instead of"),
        ("UPDATE runs SET updated_at = 9e999 WHERE run = 3", "updated_at is inf"),
        ("UPDATE runs SET status = 'lost' WHERE run = 3", "status is 'lost'"),
        ("UPDATE runs SET run_id = zeroblob(16) WHERE run = 1", "is gone with all its"),
        ("UPDATE runs SET head_hash = zeroblob(32) WHERE run = 1", "the hash of event"),
        ("UPDATE runs SET pruned = 1 WHERE run = 1", "is marked as pruned"),
        ("DELETE FROM runs WHERE run = 2", "refers to a row of runs that is missing"),
        ("UPDATE blobs SET content = zeroblob(9) WHERE length(content) > 300", "does not match"),
        ("UPDATE blobs SET codec = 'raw' WHERE codec = 'zlib'", "does not match its hash"),
        ("DELETE FROM blobs WHERE codec = 'zlib'", "a prompt that was sent, is missing"),
        ("INSERT INTO blobs VALUES (zeroblob(32), 'raw', x'')", "does not match its hash"),
        ("DROP VIEW v_runs", "view v_runs is missing"),
        ("DROP INDEX ix_runs_started_at", "index ix_runs_started_at is missing"),
        ("CREATE TABLE notes (text)", "table notes is not maker's"),
        ("CREATE TRIGGER odd AFTER INSERT ON runs BEGIN SELECT 1; END", "trigger odd is not"),
        ("UPDATE alembic_version SET version_num = '0001'", "alembic_version says ['0001']"),
        ("DELETE FROM alembic_version", "alembic_version says []"),
        ("PRAGMA user_version = 1", "the schema is of version 1, but"),
        ("DROP TABLE requests", "table requests is missing"),
        ("ALTER TABLE runs ADD COLUMN more TEXT", "table runs is not as maker made it"),
    ],
)
def test_an_edit_is_found_and_named(place: Path, edit: str, words: str) -> None:
    found = "\n".join(changed(place, "PRAGMA foreign_keys = OFF", edit))
    assert words in found


def test_content_that_nobody_needs_is_found(place: Path) -> None:
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    found = changed(place, f"INSERT INTO blobs VALUES (x'{digest}', 'raw', x'')")
    assert found == (f"the content {digest} is needed by no run",)


def test_only_the_run_that_is_damaged_is_named(place: Path) -> None:
    with closing(sqlite3.connect(place)) as raw:
        runs = [RunId(run) for (run,) in raw.execute("SELECT run_id FROM v_runs ORDER BY run")]
    found = "\n".join(changed(place, "UPDATE events SET payload = '0' WHERE seq = 1 AND run < 3"))
    assert [run in found for run in runs] == [True, True, False, False]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: text.rindex("\n", 0, -1)], None),
        (lambda text: text.replace(" 4 ", " 9 "), "its last 5 events are lost"),
        (lambda text: text[:-8] + "00000000"[:7] + "\n", "the log was rewritten"),
        (lambda text: text + "nonsense\n", "1 lines that cannot be read"),
        (lambda text: text + f"{RunId('0' * 8 + '-0000' * 3 + '-' + '0' * 12)} 7 {'0' * 64}\n",
         "is gone with all its 7 events"),
    ],
)  # fmt: skip
def test_ends_are_compared_with_those_that_were_noted(
    place: Path, change: Callable[[str], str], words: str | None
) -> None:
    path = file_of(place)
    path.write_text(change(path.read_text()))
    found = "\n".join(check(str(place)).problems)
    assert words in found if words else found == ""


@pytest.mark.parametrize("moment", ["_blob_problems", "_runs", "_ends_problems", "_needless"])
def test_a_run_that_begins_meanwhile_is_no_problem(
    place: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    original = getattr(checking, moment)

    def after_another_run(*args: object, **options: object) -> object:
        stored(by_sample([{"n": 3, "text": BIG}]), plan())
        return original(*args, **options)

    monkeypatch.setattr(checking, moment, after_another_run)
    assert check(str(place)).problems == ()


def test_what_is_no_row_is_mended_by_an_upgrade(place: Path) -> None:
    ruin = (
        "DROP VIEW v_events",
        "DROP INDEX ix_requests_run",
        "DROP VIEW v_runs",
        "CREATE VIEW v_runs AS SELECT 1",
        "CREATE TRIGGER odd AFTER INSERT ON runs BEGIN SELECT 1; END",
    )
    assert len(changed(place, *ruin)) == 4
    with closing(sqlite3.connect(place)) as raw:
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("CREATE TRIGGER events_no_update AFTER UPDATE ON events BEGIN SELECT 1; END")
    assert len(check(str(place)).problems) == 5
    assert migrate.upgrade(str(place)) is True
    assert check(str(place)).problems == ()
    assert migrate.upgrade(str(place)) is False


def test_the_text_of_the_schema_is_what_a_fresh_database_has(tmp_path: Path) -> None:
    migrate.prepare(str(tmp_path / "fresh.db"))
    with closing(sqlite3.connect(tmp_path / "fresh.db")) as raw:
        raw.row_factory = sqlite3.Row
        assert list(shape.differences(raw.execute(shape.OBJECTS).fetchall())) == []


def meaning(path: Path) -> str:
    """A hash of everything that the database says, without what nothing can be compared with."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as raw:
        raw.text_factory = bytes
        names = [row[1].decode() for row in raw.execute("PRAGMA table_info(runs)")]
        names.remove("lease_epoch")
        tables = [
            raw.execute(f"SELECT {', '.join(names)} FROM runs ORDER BY run").fetchall(),
            *(raw.execute(f"SELECT * FROM {name}").fetchall() for name in ("events", "requests")),
            raw.execute("SELECT digest FROM blobs ORDER BY digest").fetchall(),
            [unpacked(*row) for row in raw.execute("SELECT codec, content FROM blobs")],
        ]
    return hashlib.sha256(repr(tables).encode()).hexdigest()


def unpacked(codec: bytes, content: bytes) -> bytes:
    return zlib.decompress(content) if codec == b"zlib" else content


def problems(place: Path) -> tuple[str, ...]:
    """What a check finds, or what keeps it from beginning."""
    try:
        return check(str(place)).problems
    except (LogDamaged, NoDatabase) as damage:
        return (damage.message,)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), damage=st.binary(min_size=1, max_size=600))
def test_damaged_bytes_are_found_or_harmless(
    original: Path, tmp_path: Path, position: float, damage: bytes
) -> None:
    place = tmp_path / "damaged.db"
    content = bytearray(original.read_bytes())
    at = int(position * len(content))
    content[at : at + len(damage)] = damage[: len(content) - at]
    place.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    assert problems(place) or meaning(place) == meaning(original)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_off_is_found_to_be(
    original: Path, tmp_path: Path, kept: float
) -> None:
    place = tmp_path / "cut.db"
    content = original.read_bytes()
    place.write_bytes(content[: int(kept * len(content))])
    assert problems(place) or meaning(place) == meaning(original)
