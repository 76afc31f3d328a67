"""`maker demo`: votes outvote errors, honestly counted; a kill costs nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.agents import hanoi
from maker.cli.main import main
from maker.demo.experiment import expected_samples, experiment_config

SMALL = ("demo", "--disks", "3")


def summary(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> dict[str, Any]:
    assert main([*args, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["type"], found["schema_version"]) == ("Summary", 1)
    return found


def test_votes_outvote_the_agents_errors(capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(capsys, "demo", "--seed", "1")
    assert (found["moves"], found["wrong_moves"], found["solved"]) == (31, 0, True)
    assert found["errors"] == found["outvoted"] > 0
    assert found["won"] == 0
    assert found["simulated"] is True


def test_without_votes_one_error_is_enough_to_fail_and_it_says_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--voting", "none"]) == 1
    text = capsys.readouterr().out
    assert "not solved" in text
    assert "since there was no vote" in text
    found = summary(capsys, "demo", "--voting", "none", code=1)
    assert found["errors"] == found["won"] > 0
    assert found["first_won_at_move"] >= 1


def test_an_agent_that_never_errs_needs_no_more_than_k_samples_a_move(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = summary(capsys, *SMALL, "--error-rate", "0", "--voting-k", "2")
    assert found["samples"] == 2 * found["moves"] == 14
    assert found["expected_samples_per_move"] == 2.0


def test_flagged_replies_are_counted_and_never_vote(capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(capsys, *SMALL, "--flag-rate", "0.4", "--error-rate", "0")
    assert found["solved"] is True
    assert found["red_flagged"] > 0
    assert found["errors"] == 0


def test_an_agent_that_is_never_usable_fails_with_a_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*SMALL, "--flag-rate", "1"]) == 1
    assert "no reply can be used" in capsys.readouterr().out


def test_a_demo_is_an_ordinary_run_that_can_be_looked_at_afterwards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*SMALL, "--error-rate", "0.3"]) == 0
    out, err = capsys.readouterr()
    run = err.splitlines()[0].removeprefix("run ").partition(":")[0]
    assert f"maker show {run}" in out
    assert "simulated: nothing is bought" in out
    for command in (["replay", run], ["verify", run], ["show", run, "--step", "0"], ["history"]):
        assert main(command) == 0
    assert "identical" in capsys.readouterr().out


def test_json_lines_are_the_events_and_then_the_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "hanoi", "--disks", "2", "--json"]) == 0
    *events, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "TaskCompleted"
    assert len(last["head"]) == 64


def test_the_same_seed_gives_the_same_run(capsys: pytest.CaptureFixture[str]) -> None:
    def told(seed: str) -> dict[str, Any]:
        found = summary(capsys, *SMALL, "--error-rate", "0.3", "--seed", seed)
        return {k: v for k, v in found.items() if k not in ("run", "head", "duration_s")}

    assert told("7") == told("7")
    assert told("7") != told("8")


@pytest.mark.parametrize(
    "args", [["--disks", "0"], ["--disks", "21"], ["--error-rate", "1.1"], ["--voting-k", "0"]]
)
def test_values_that_make_no_sense_are_usage_errors(args: list[str]) -> None:
    assert main(["demo", *args]) == 2


def test_an_interrupted_demo_pauses_and_says_how_to_go_on() -> None:
    command = [sys.executable, "-m", "maker", "demo", "--disks", "8", "--delay-ms=50", "--json"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert child.stdout is not None
    run = child.stderr.readline().removeprefix("run ").partition(":")[0]
    while "VoteCompleted" not in child.stdout.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 143
    assert f"maker resume {run}" in err
    assert json.loads(out.splitlines()[-1])["status"] == "paused"


@pytest.mark.slow
def test_a_kill_in_mid_vote_costs_nothing_twice_and_changes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = summary(capsys, "demo", "crash", "--disks", "4", "--error-rate", "0.2")
    assert 0 < found["kept"] < found["launched"]
    assert found["bought_twice"] == []
    assert found["differences"] == []
    assert found["replay"] == "identical"
    assert found["bought"] > found["bought_before"] > 0
    assert main(["verify", found["run"]]) == 0
    assert "MAKER_DATABASE_URL" not in os.environ


@given(st.integers(1, 6), st.lists(st.integers(0, 6), max_size=40))
def test_the_strategy_has_an_answer_in_whatever_state_errors_lead_to(
    disks: int, choices: list[int]
) -> None:
    last = None
    for choice in choices:
        right, wrong = hanoi.right_answer(disks, last), hanoi.wrong_answers(disks, last)
        assert right not in wrong
        assert wrong
        last = [right, *wrong][choice % (1 + len(wrong))]
        assert sorted(disk for peg in last["pegs"] for disk in peg) == list(range(1, disks + 1))


@pytest.mark.parametrize("disks", range(1, 9))
def test_the_strategy_solves_every_tower_in_the_fewest_moves(disks: int) -> None:
    last, moves = None, 0
    while last is None or not last["done"]:
        answer = hanoi.right_answer(disks, last)
        assert not hanoi.is_wrong(disks, last, answer)
        last, moves = answer, moves + 1
    assert hanoi.is_solved(disks, last)
    assert moves == 2**disks - 1


def test_illegal_and_misreported_moves_are_wrong() -> None:
    first = hanoi.right_answer(3, None)
    onto_smaller = hanoi.answer(first["pegs"], 0, first["move"]["to"])
    assert hanoi.is_wrong(3, first, onto_smaller)
    lied = {**first, "pegs": hanoi.start(3)}
    assert hanoi.is_wrong(3, None, lied)
    assert not hanoi.is_wrong(3, None, first)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"error_rate": 0.1, "voting_k": 3}, 3.74),
        ({"error_rate": 0.05, "voting_k": 2}, 2.21),
        ({"error_rate": 0.1, "voting_k": 3, "flag_rate": 0.5}, 7.48),
        ({"error_rate": 0.5, "voting_k": 3}, 9.0),
        ({"error_rate": 1.0, "voting_k": 3}, 3.0),
        ({"error_rate": 0.2, "voting": "none"}, 1.0),
        ({"error_rate": 0.0, "voting": "majority"}, 2.0),
    ],
)
def test_the_expected_samples_are_those_of_the_paper(
    options: dict[str, Any], expected: float
) -> None:
    assert expected_samples(experiment_config(3, seed=0, **options)) == pytest.approx(
        expected, abs=0.005
    )
