"""Creating and upgrading: fresh, old and newer databases, and those of other programs."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from maker.core.models import RunId
from maker.errors import StoreError
from maker.store import ddl, migrate, schema
from maker.store.check import check
from maker.store.proof import prove
from maker.store.queries import Reader
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

RUN = RunId(str(uuid.UUID(int=1)))
REPOSITORY = Path(__file__).parents[2]
DATABASES = Path(__file__).parent / "databases"


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(migrate.scripts()))
    return made


REVISIONS = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]


def migrated(path: Path, revision: str = "head") -> None:
    with migrate.transaction(str(path)) as connection:
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, revision)


def shape(path: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        found += [("pragma", name, raw.execute(f"PRAGMA {name}").fetchone()[0])
                  for name in ("user_version", "application_id", "journal_mode")]  # fmt: skip
        found += [("row", "revision", *raw.execute("SELECT * FROM alembic_version").fetchone())]
    return sorted(
        (kind, name, " ".join(str(sql).replace('"', "").split())) for kind, name, sql in found
    )


def names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as raw:
        return {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}


def test_a_migrated_database_equals_a_fresh_one(tmp_path: Path) -> None:
    migrate.prepare(str(tmp_path / "fresh.db"))
    migrated(tmp_path / "migrated.db")
    assert shape(tmp_path / "migrated.db") == shape(tmp_path / "fresh.db")


def test_the_tables_in_the_code_are_the_ones_that_the_migrations_make(tmp_path: Path) -> None:
    migrated(tmp_path / "maker.db")
    with migrate.transaction(str(tmp_path / "maker.db")) as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_the_newest_migration_is_the_version_that_the_code_expects() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == ddl.REVISION
    assert len(REVISIONS) == ddl.VERSION


def content(path: Path) -> list[list[tuple[object, ...]]]:
    """Every row of what runs consist of, without the leases."""
    runs = "run, run_id, status, reason, instruction, cost_usd, tokens, samples, started_at"
    statements = (
        f"SELECT {runs}, updated_at, head_seq, head_hash FROM runs ORDER BY run",
        "SELECT * FROM events ORDER BY run, seq",
        "SELECT * FROM blobs ORDER BY digest",
    )
    with closing(sqlite3.connect(path)) as raw:
        return [raw.execute(statement).fetchall() for statement in statements]


@pytest.fixture(params=sorted(DATABASES.glob("*.gz")), ids=lambda path: path.name)
def source(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def heads(source: Path) -> dict[RunId, tuple[int, str]]:
    """Last event and hash of each run of the database, as they were printed then."""
    noted = json.loads(source.with_name(source.name.replace(".db.gz", ".heads.json")).read_text())
    return {RunId(run): (seq, head) for run, (seq, head) in noted.items()}


@pytest.fixture
def released(source: Path, tmp_path: Path) -> Path:
    """A database as a released maker wrote it."""
    path = tmp_path / "maker.db"
    path.write_bytes(gzip.decompress(source.read_bytes()))
    path.chmod(0o600)
    return path


def test_a_released_database_is_read_as_it_is(
    released: Path, heads: dict[RunId, tuple[int, str]]
) -> None:
    before = released.read_bytes()
    with Reader(str(released)) as reader:
        for row in reader.runs():
            assert heads[row.run_id] == (row.head_seq, row.head_hash)
            prove(reader, row, None)
    assert len(heads) >= 8
    assert released.read_bytes() == before


async def test_a_released_database_is_upgraded_on_opening_with_its_rows_untouched(
    released: Path,
    heads: dict[RunId, tuple[int, str]],
    tmp_path: Path,
    log: MakeLog,
    summary: MakeSummary,
) -> None:
    before = content(released)
    store = SqlStore(released)
    for run, (seq, head) in heads.items():
        records = await store.load(run)
        assert (records[-1].seq, records[-1].hash.hex()) == (seq, head)
    assert content(released) == before
    await store.append(RUN, log("a"), {}, summary())
    await store.close()
    migrate.prepare(str(tmp_path / "fresh.db"))
    assert shape(released) == shape(tmp_path / "fresh.db")


def test_an_upgrade_that_is_killed_before_any_of_its_statements_leaves_all_as_it_was(
    released: Path, heads: dict[RunId, tuple[int, str]]
) -> None:
    before, untouched = content(released), released.read_bytes()
    statement = killed = 0
    while (code := upgraded_until(released, statement)) == KILLED:
        statement, killed = statement + 1, killed + 1
        with Reader(str(released)) as reader:
            assert len(reader.runs()) == len(heads)
        assert released.read_bytes() == untouched
    assert (code, killed > 15) == (0, True)
    assert content(released) == before
    assert check(str(released)).problems == ()


KILLED = 9


def upgraded_until(path: Path, statement: int) -> int:
    """The exit code of a process that upgrades and dies before its n-th statement."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    seen = itertools.count()

    def die(*_: object) -> None:
        if next(seen) == statement:
            os._exit(KILLED)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", die)
    try:
        migrate.upgrade(str(path))
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_any_version_that_lost_its_triggers_gets_them_back(
    tmp_path: Path, log: MakeLog, summary: MakeSummary, revision: str
) -> None:
    path = tmp_path / "maker.db"
    migrated(path, revision)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for kind, name in raw.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
        ).fetchall():
            raw.execute(f"DROP {kind} {name}")
        raw.execute(f"PRAGMA application_id = {ddl.APPLICATION_ID}")
        raw.execute("PRAGMA user_version = 0")
    store = SqlStore(path)
    await store.append(RUN, log("c"), {}, summary())
    await store.close()
    migrate.prepare(str(tmp_path / "fresh.db"))
    assert shape(path) == shape(tmp_path / "fresh.db")


async def test_a_newer_database_is_refused_and_left_alone(
    tmp_path: Path, summary: MakeSummary, log: MakeLog
) -> None:
    path = tmp_path / "maker.db"
    migrate.prepare(str(path))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version = {ddl.VERSION + 1}")
        raw.execute(f"UPDATE alembic_version SET version_num = '{ddl.VERSION + 1:04d}'")
        raw.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer maker") as refused:
        await SqlStore(path).append(RUN, log("a"), {}, summary())
    assert "newer maker" in refused.value.advice
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bookmarks.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        await SqlStore(path).load(RUN)
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and more than a hundred characters of them. " * 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a SQLite database"):
        await SqlStore(path).load(RUN)
    assert path.read_bytes() == before


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    migrate.prepare(str(path))
    before = shape(path)

    def fail_half_way() -> None:
        with migrate.transaction(str(path)) as connection:
            connection.exec_driver_sql("DROP VIEW v_runs")
            connection.exec_driver_sql("PRAGMA user_version = 99")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert shape(path) == before


def test_upgrade_restores_dropped_triggers_and_says_whether_anything_was_done(
    tmp_path: Path,
) -> None:
    path = tmp_path / "maker.db"
    assert migrate.upgrade(str(path)) is True
    assert migrate.upgrade(str(path)) is False
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER events_no_update")
    assert any("events_no_update" in problem for problem in check(str(path)).problems)
    assert migrate.upgrade(str(path)) is True
    assert check(str(path)).problems == ()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["option", "environment"])
def test_developers_can_upgrade_with_alembic_itself(tmp_path: Path, how: str) -> None:
    path = tmp_path / "maker.db"
    option = ["-x", f"url={path}"] if how == "option" else []
    environ = {**os.environ, "MAKER_DATABASE_URL": str(tmp_path / "other.db")}
    if how == "environment":
        environ["MAKER_DATABASE_URL"] = str(path)
    subprocess.run(
        [sys.executable, "-m", "alembic", *option, "upgrade", "head"],
        cwd=REPOSITORY,
        env=environ,
        check=True,
        capture_output=True,
    )
    assert "events_no_update" in names(path)
    assert not (tmp_path / "other.db").exists()


@pytest.mark.slow
def test_an_up_to_date_database_is_opened_without_importing_alembic(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from maker.errors import RunNotFound
from maker.store.sql import SqlStore

async def main():
    for _ in range(2):
        store = SqlStore(sys.argv[1])
        try:
            await store.load("00000000-0000-0000-0000-000000000001")
        except RunNotFound:
            await store.close()

asyncio.run(main())
print(sorted({name.partition(".")[0] for name in sys.modules} & {"alembic", "mako"}))
"""
    shown = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "maker.db")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == "[]"
