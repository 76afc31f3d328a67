"""`maker verify`: what holds, what does not, and against which head."""

from __future__ import annotations

import json
import sqlite3

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan
from maker.cli.main import main
from maker.core.models import RunId
from maker.store.queries import Reader


@pytest.fixture
def run() -> RunId:
    return stored(by_sample([{"n": 3}]), plan())


def head(run: RunId) -> str:
    with Reader(str(database())) as reader:
        return reader.run(run).head_hash


def test_an_intact_run_prints_its_head(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", run]) == 0
    assert head(run) in capsys.readouterr().out
    assert main(["verify", run, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head_hash"] == head(run)


def test_the_head_that_was_noted_is_confirmed(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", run, "--expect", head(run).upper()]) == 0
    assert "as expected" in capsys.readouterr().out
    assert main(["verify", run, "--expect", head(run)[:16]]) == 0


def test_another_head_than_the_noted_one_is_damage(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", run, "--expect", "0" * 64]) == 6
    assert "not the log that you noted" in capsys.readouterr().err


def test_a_log_that_has_grown_since_says_so(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    with Reader(str(database())) as reader:
        earlier = reader.records(run)[3].hash.hex()
    assert main(["verify", run, "--expect", earlier]) == 6
    assert "the log has grown" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 65])
def test_what_is_no_hash_is_a_usage_error(run: RunId, text: str) -> None:
    assert main(["verify", run, "--expect", text]) == 2


def test_a_row_that_disagrees_with_the_log_is_found(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(database()) as connection:
        connection.execute("UPDATE runs SET cost_usd = 0, status = 'failed'")
    assert main(["verify", run]) == 6
    err = capsys.readouterr().err
    assert "status ('failed' instead of 'completed')" in err
    assert "cost_usd" in err or "totals" in err
