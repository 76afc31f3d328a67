"""A backup is whole, checked and private, whatever happens while it is made."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan
from maker.core.models import RunId
from maker.errors import ConfigError, LogDamaged, MakerError, NoDatabase, StoreError
from maker.store import heads, reading
from maker.store.backup import backup
from maker.store.check import check
from maker.store.integrity import Head
from maker.store.queries import Reader


@pytest.fixture
def run() -> RunId:
    return stored(by_sample([{"n": 3}]), plan())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "copy.db"


def runs(path: Path) -> list[RunId]:
    with Reader(str(path)) as reader:
        return [row.run_id for row in reader.runs()]


@pytest.mark.usefixtures("run")
def test_a_copy_holds_all_runs_is_private_and_has_its_ends_noted(target: Path) -> None:
    before = os.umask(0)
    try:
        report = backup(str(database()), target)
    finally:
        os.umask(before)
    assert (report.runs, report.problems) == (1, ())
    assert runs(target) == runs(database())
    assert heads.read(target) == heads.read(database())
    names = {path.name: path.stat().st_mode & 0o777 for path in target.parent.iterdir()}
    assert names == {"copy.db": 0o600, "copy.db-heads": 0o600}


@pytest.mark.usefixtures("run")
def test_what_is_in_the_wal_alone_is_copied_too(target: Path) -> None:
    with closing(sqlite3.connect(database(), isolation_level=None)) as writer:
        writer.execute("CREATE TABLE notes (text)")
        with pytest.raises(LogDamaged, match="table notes is not maker's"):
            backup(str(database()), target)
    assert list(target.parent.iterdir()) == []


def test_the_ends_of_runs_that_never_stopped_are_noted_as_they_are_copied(
    run: RunId, target: Path
) -> None:
    heads.file_of(database()).unlink()
    backup(str(database()), target)
    assert list(heads.read(target).heads) == [run]


@pytest.mark.usefixtures("run")
def test_a_file_that_exists_is_kept_unless_it_may_be_overwritten(target: Path) -> None:
    target.write_text("precious")
    with pytest.raises(ConfigError, match="exists already"):
        backup(str(database()), target)
    assert target.read_text() == "precious"
    backup(str(database()), target, overwrite=True)
    assert runs(target) == runs(database())


@pytest.mark.usefixtures("run")
def test_a_good_backup_is_not_overwritten_by_a_bad_one(target: Path) -> None:
    backup(str(database()), target)
    good = target.read_bytes()
    with closing(sqlite3.connect(database())) as raw:
        raw.execute("UPDATE runs SET status = 'failed'")
        raw.commit()
    with pytest.raises(LogDamaged, match="the copy is not sound"):
        backup(str(database()), target, overwrite=True)
    assert target.read_bytes() == good
    assert len(list(target.parent.iterdir())) == 2


def test_a_database_that_lost_the_end_of_a_log_is_not_copied_as_if_it_were_whole(
    run: RunId, target: Path
) -> None:
    heads.note(database(), {run: Head(99, bytes(32))})
    with pytest.raises(LogDamaged, match="events are lost"):
        backup(str(database()), target)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_log_that_lies_beside_the_target_is_never_adopted(target: Path, suffix: str) -> None:
    target.touch()
    target.with_name(f"copy.db{suffix}").write_bytes(b"x")
    with pytest.raises(ConfigError, match="was not closed"):
        backup(str(database()), target, overwrite=True)


def elsewhere(target: Path) -> str:
    return "postgresql://me@here/runs"


def nowhere(target: Path) -> str:
    return str(target.with_name("none.db"))


@pytest.mark.parametrize(
    ("source", "error"), [(elsewhere, ConfigError), (nowhere, NoDatabase), (str, NoDatabase)]
)
def test_what_cannot_be_copied_is_an_error_in_words(
    target: Path, source: Callable[[Path], str], error: type[MakerError]
) -> None:
    with pytest.raises(error) as refused:
        backup(source(target), target)
    assert refused.value.exit_code == 2
    assert list(target.parent.iterdir()) == []


@pytest.mark.usefixtures("run")
def test_a_place_that_no_file_can_have_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="it is a folder"):
        backup(str(database()), tmp_path)
    with pytest.raises(NoDatabase, match="there is no folder"):
        backup(str(database()), tmp_path / "none" / "copy.db")
    with pytest.raises(ConfigError, match="is the database itself"):
        backup(str(database()), database())


@pytest.mark.usefixtures("run")
def test_a_full_disk_leaves_nothing_behind(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(reading, "connected", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        backup(str(database()), target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("run")
def test_every_backup_that_is_made_while_runs_write_is_sound(target: Path) -> None:
    over, errors = threading.Event(), list[Exception]()

    def write() -> None:
        try:
            while not over.is_set():
                stored(by_sample([{"n": 3}]), plan())
        except Exception as error:  # a thread's failure must be the test's
            errors.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        sizes = [backup(str(database()), target, overwrite=True).runs for _ in range(6)]
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert errors == []
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    assert check(str(target)).problems == ()
