"""A database that is not where it is meant to be: errors in words, and nothing begun by mistake."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan
from maker.cli.main import main
from maker.store.heads import file_of

LOOKING = (
    ["history"],
    ["show", "@last"],
    ["verify", "@last"],
    ["replay", "@last"],
    ["resume", "@last"],
    ["cancel", "@last"],
    ["db", "check"],
)
BEGINNING = (["run", "x", "--agent", "simulated"], ["db", "upgrade"])
names = pytest.mark.parametrize("command", LOOKING, ids=" ".join)
begins = pytest.mark.parametrize("command", BEGINNING, ids=" ".join)
both = pytest.mark.parametrize("command", LOOKING + BEGINNING, ids=" ".join)


@names
def test_a_mistyped_database_is_not_taken_for_one_without_runs(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs.db").write_bytes(b"")
    (tmp_path / "runs.db-wal").write_bytes(b"")
    assert main([*command, "--db", str(tmp_path / "rums.db")]) == 2
    err = capsys.readouterr().err
    assert f"there is no database {tmp_path / 'rums.db'}" in err
    assert f"Near it there is {tmp_path / 'runs.db'}." in err
    assert sorted(os.listdir(tmp_path)) == ["runs.db", "runs.db-wal"]  # noqa: PTH208


@begins
def test_a_database_is_begun_in_a_folder_that_exists_only(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--db", str(tmp_path / "rums" / "runs.db")]) == 2
    assert f"there is no folder {tmp_path / 'rums'}" in capsys.readouterr().err
    assert not (tmp_path / "rums").exists()
    assert main([*command, "--db", str(tmp_path / "runs.db")]) == 0
    assert (tmp_path / "runs.db").exists()


@both
def test_an_empty_name_is_not_the_default_database(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--db", ""]) == 2
    assert "'' is not the path of a database" in capsys.readouterr().err
    assert not database().exists()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def nowhere(path: Path) -> None:
    path.symlink_to("nothing.db")


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "it is a folder"),
    "fifo": (os.mkfifo, "it is not a file"),
    "loop": (loop, "a link that leads in a circle"),
    "dangling": (nowhere, "a link to nothing.db, which does not exist"),
}


@both
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("by", ["option", "environment"])
def test_what_is_no_file_is_refused_in_words(
    command: list[str],
    odd: str,
    by: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make, words = ODD[odd]
    make(tmp_path / "runs.db")
    if by == "environment":
        monkeypatch.setenv("MAKER_DATABASE_URL", str(tmp_path / "runs.db"))
        assert main(command) == 2
    else:
        assert main([*command, "--db", str(tmp_path / "runs.db")]) == 2
    assert words in capsys.readouterr().err


@both
def test_a_name_that_no_file_can_have_is_refused_in_words(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--db", "x" * 5000]) == 2
    assert "its name is too long" in capsys.readouterr().err


@pytest.fixture
def empty() -> Path:
    stored(by_sample([{"n": 3}]), plan())
    for path in database().parent.iterdir():
        if path != file_of(database()):
            path.unlink()
    database().touch()
    return database()


@both
def test_a_database_that_lost_all_its_content_is_damaged(
    command: list[str], empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 6
    assert f"{empty} is empty: what it held is lost" in capsys.readouterr().err
    assert empty.stat().st_size == 0


@pytest.mark.parametrize("command", ["show", "verify", "replay", "resume", "cancel"])
def test_an_empty_file_is_not_taken_for_a_database_in_which_there_is_no_such_run(
    command: str, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file_of(empty).unlink()
    assert main([command, "@last"]) == 6
    assert "is empty: what it held is lost" in capsys.readouterr().err


def test_an_empty_file_without_noted_runs_can_be_begun(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file_of(empty).unlink()
    assert main(["history"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("no runs yet\n", f"Note: {empty} is empty.\n")
    assert main(["db", "upgrade"]) == 0
    assert main(["history"]) == 0


def test_a_database_that_was_deleted_is_begun_anew(empty: Path) -> None:
    empty.unlink()
    assert main(["db", "upgrade"]) == 0
    assert not file_of(empty).exists()
    assert main(["db", "check"]) == 0
