"""A database that may be read but not written: another user's, a read-only mount, a backup."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan
from forked import Forked
from maker.cli.main import COMMANDS, main
from maker.core.models import TaskConfig
from maker.store.heads import file_of

NOBODY = 65_534
READING = (["history"], ["show", "@last"], ["verify", "@last"], ["replay", "@last"])
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A database with a run, in a folder that other users can enter."""
    for module, _ in COMMANDS.values():
        importlib.import_module(module)  # what is loaded later, another user might not read
    made = Path(tempfile.mkdtemp(prefix="maker-read-only-"))
    made.chmod(0o755)
    monkeypatch.setenv("MAKER_HOME", str(made))
    stored(by_sample([{"n": 3}]), plan())
    database().chmod(0o644)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def closed(folder: Path) -> None:
    """Only reading is left to us, whoever we are."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)


def as_another(*command: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command of a user who may not write here."""
    process = Forked(command, before=become_nobody)
    try:
        code, out = process.end()
        return code, out, process.err
    finally:
        process.close()


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_another_users_database_is_read_with_a_word_about_it(
    folder: Path, command: list[str]
) -> None:
    closed(folder)
    before = sorted(folder.iterdir())
    code, out, err = as_another(*command)
    assert (code, bool(out)) == (0, True), err
    assert err.startswith(f"Note: {database()} is not yours to write: it is only read.")
    assert sorted(folder.iterdir()) == before


def test_the_whole_database_is_checked_without_writing(folder: Path) -> None:
    closed(folder)
    code, out, _ = as_another("db", "check")
    assert (code, "sound" in out) == (0, True)


@pytest.mark.parametrize(
    "command",
    [["run", "x", "--agent", "simulated"], ["cancel", "@last"], ["db", "upgrade"]],
    ids=" ".join,
)
def test_what_must_write_says_that_it_cannot(folder: Path, command: list[str]) -> None:
    stored(by_sample([{"n": 3}]), plan(), config=TaskConfig(instruction="Wait.", dry_run=True))
    closed(folder)
    code, _, err = as_another(*command)
    assert (code, "writable for you" in err) == (1, True), err
    assert "Traceback" not in err


def test_a_database_that_is_being_written_is_read_by_another_user(folder: Path) -> None:
    with closing(sqlite3.connect(database(), isolation_level=None)) as writer:
        writer.execute("UPDATE runs SET instruction = 'in the -wal'")
        closed(folder)
        code, out, _ = as_another("history")
    assert (code, "in the -wal" in out) == (0, True)


def test_what_a_killed_process_left_in_a_log_that_cannot_be_read_is_said(folder: Path) -> None:
    with closing(sqlite3.connect(database(), isolation_level=None)) as writer:
        writer.execute("UPDATE runs SET instruction = 'in the -wal'")
        for name in ("maker.db", "maker.db-wal"):
            shutil.copy(folder / name, folder / f"{name}.kept")
    for name in ("maker.db", "maker.db-wal"):
        (folder / f"{name}.kept").rename(folder / name)
    closed(folder)
    code, out, err = as_another("history")
    assert (code, "in the -wal" in out) == (0, False)
    assert "the newest events, which are still in maker.db-wal, are not shown" in err


def test_a_file_that_may_not_be_read_is_an_error_in_words(folder: Path) -> None:
    database().chmod(0o000)
    code, _, err = as_another("history")
    assert code == 1
    assert "cannot be opened" in err
    assert "Traceback" not in err


def test_where_the_noted_ends_cannot_be_read_that_is_said(folder: Path) -> None:
    closed(folder)
    file_of(database()).chmod(0o000)
    code, out, _ = as_another("verify", "@last")
    assert code == 0
    assert f"{file_of(database())} cannot be read: nothing proves" in out


@needs_root
def test_a_database_on_a_read_only_mount_is_read(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    made = subprocess.run(["mount", "--bind", folder, mount], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        for command in READING:
            assert main([*command, "--db", str(mount / "maker.db")]) == 0
            assert "is only read" in capsys.readouterr().err
        assert main(["cancel", "@last", "--db", str(mount / "maker.db")]) == 1
        assert "writable for you" in capsys.readouterr().err
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-heads"])
def test_opened_for_writing_a_file_that_others_can_read_is_mended_with_a_word(
    folder: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    database().chmod(0o600)
    path = database().with_name(f"maker.db{suffix}")
    with closing(sqlite3.connect(database(), isolation_level=None)) as other:
        other.execute("UPDATE runs SET reason = ''")
        path.chmod(0o664)
        assert main(["run", "x", "--agent", "simulated"]) == 0
        assert path.stat().st_mode & 0o777 == 0o600
    assert f"{path} could be read by others (mode 0664): it is yours alone now" in caplog.text
    caplog.clear()
    assert main(["run", "x", "--agent", "simulated"]) == 0
    assert not caplog.text
