"""`maker replay`: the three outcomes, and what each says."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from stored_runs import by_sample, database, stored

from fakes import plan, step
from maker.cli.main import main
from maker.core import events as e
from maker.core.models import RunId, TaskConfig
from maker.prompts import step as step_prompts
from maker.steps import moves


@pytest.fixture
def run() -> RunId:
    config = TaskConfig(instruction="Count the words.", voting_strategy="majority")
    return stored(by_sample([{"n": 3}, {"n": 4}, {"n": 3}]), plan(), config=config)


def test_a_log_that_comes_out_the_same_is_identical(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", run]) == 0
    assert capsys.readouterr().out.startswith("identical: ")


def test_replay_writes_nothing(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    before = database().read_bytes()
    assert main(["replay", "@last"]) == 0
    assert database().read_bytes() == before


def test_json_lines_are_the_events_and_at_the_end_the_outcome(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "@last", "--json"]) == 0
    *events, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (last["outcome"], last["events"], last["run"]) == ("identical", len(events), run)


def test_a_changed_prompt_is_noted_and_fails_only_if_strict(
    run: RunId, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_prompts, "SYSTEM", "Do it.")
    assert main(["replay", run]) == 0
    text = capsys.readouterr().out
    assert text.startswith("inputs changed, same decisions")
    assert "the prompt of step/0.0/0/0" in text
    assert main(["replay", run, "--strict"]) == 6


def test_a_divergence_names_event_field_old_and_new(
    run: RunId, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(*args: Any) -> e.VoteCompleted:
        import msgspec

        return msgspec.structs.replace(_vote_completed(*args), margin=7)

    _vote_completed = moves._vote_completed
    monkeypatch.setattr(moves, "_vote_completed", other)
    assert main(["replay", run]) == 6
    text = capsys.readouterr().out
    assert text.startswith("diverged after")
    assert "(VoteCompleted), field margin:" in text
    assert "recorded  1" in text
    assert "replayed  7" in text


def test_a_damaged_log_is_not_replayed(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(database())
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE events SET payload = replace(payload, '0', '5') WHERE seq = 6")
    connection.commit()
    connection.close()
    for command in (["replay", run], ["verify", run], ["show", run]):
        assert main(command) == 6
        assert "event 6" in capsys.readouterr().err


def test_a_running_and_a_failed_run_are_replayed_too(capsys: pytest.CaptureFixture[str]) -> None:
    stored(by_sample(["nothing"]), plan(step(0)))
    assert main(["replay", "@last"]) == 0
    assert "failed" in capsys.readouterr().out
