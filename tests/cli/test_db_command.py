"""`maker db`: up to date, sound, or exactly what is not."""

from __future__ import annotations

import json
import sqlite3

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan
from maker.cli.main import main


def test_upgrade_creates_and_then_leaves_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade"]) == 0
    assert capsys.readouterr().out.endswith("is now up to date\n")
    assert main(["db", "upgrade", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False
    assert main(["history"]) == 0


def test_check_counts_and_creates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "check"]) == 0
    assert "no database yet" in capsys.readouterr().out
    assert not database().exists()
    stored(by_sample([{"n": 3}]), plan())
    assert main(["db", "check"]) == 0
    assert "1 run, " in capsys.readouterr().out


def test_check_names_what_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    run = stored(by_sample([{"n": 3}]), plan())
    with sqlite3.connect(database()) as connection:
        connection.execute("UPDATE runs SET head_hash = zeroblob(32)")
    assert main(["db", "check"]) == 6
    assert run in capsys.readouterr().out
    assert main(["db", "check", "--json"]) == 6
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1


def test_a_file_that_is_no_database_is_told_and_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    database().parent.mkdir(parents=True)
    database().write_bytes(b"This is a letter to my aunt, and not a database at all. " * 40)
    for command in (["db", "check"], ["db", "upgrade"], ["history"]):
        assert main(command) == 2
        assert "is not a SQLite database" in capsys.readouterr().err
    assert database().read_bytes().startswith(b"This is a letter")
