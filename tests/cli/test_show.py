"""`maker show`: what became of a run, whole or partial."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stored_runs import by_sample, cut, stored

from fakes import plan, step
from maker.cli.main import main
from maker.core.models import AgentCall, Repeat, RunId, TaskConfig
from maker.plan.parser import parse_plan
from maker.tools.registry import ToolRegistry

VOTED = TaskConfig(instruction="Count the words.", voting_strategy="first_to_k", voting_k=2)


def shown(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert main(["show", *args]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> Any:
    found = json.loads(shown(capsys, *args, "--json", code=code))
    assert found["schema_version"] == 1
    return found


def contested() -> RunId:
    """Sample 1 errs, sample 2 is unusable, samples 0, 3 and 4 agree."""
    answers = [{"n": 3}, {"n": 4}, "no answer", {"n": 3}, {"n": 3}]
    return stored(by_sample(answers), plan(), config=VOTED)


def test_the_overview_tells_plan_votes_cost_and_result(capsys: pytest.CaptureFixture[str]) -> None:
    run = contested()
    text = shown(capsys, "@last")
    assert f"run      {run}" in text
    assert "voting   first to be ahead by 2" in text
    assert "status   completed" in text
    assert "1 vote, margin 2, 1 contested, 1 flagged" in text
    assert "$0.0500" in text
    assert 'result   {"n": 3}' in text
    assert "resume" not in text


def test_a_step_shows_its_clusters_its_margin_and_what_was_flagged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    contested()
    text = shown(capsys, "@last", "--step", "0")
    assert "5 samples, first_to_k, margin 2, decided by sample 4" in text
    assert '    3  won  0, 3, 4  {"n":3}' in text
    assert '    1       1        {"n":4}' in text
    assert "flagged, unreadable" in text


def test_the_document_of_a_step_has_every_sample(capsys: pytest.CaptureFixture[str]) -> None:
    contested()
    found = document(capsys, "@last", "--step", "0")
    (iteration,) = found["iterations"]
    (only,) = iteration["tries"]
    assert [sample["flag"] for sample in only["samples"]] == ["", "", "unreadable", "", ""]
    assert [sample["cost_usd"] for sample in only["samples"]] == [0.01] * 5
    assert only["answers"][0] == {"answer": '{"n":3}', "samples": [0, 3, 4]}
    assert iteration["output"] == {"n": 3}


def test_many_iterations_are_summed_up_and_the_rough_ones_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def script(call: AgentCall) -> str:
        iteration = int(call.key.split("/")[1].split(".")[1])
        wrong = iteration == 4 and call.key.endswith("/1")
        return json.dumps({"n": -1 if wrong else iteration, "done": iteration == 7})

    repeated = step(
        output_schema="{n: int, done: bool}", repeat=Repeat(until="done", max_iterations=9)
    )
    stored(script, plan(repeated), config=VOTED)
    text = shown(capsys, "@last", "--step", "0")
    assert "8 iterations, 7 of them unanimous at the first try" in text
    assert [line.split()[0] for line in text.splitlines() if "completed" in line] == ["4"]
    assert "iteration 4: completed" in shown(capsys, "@last", "--step", "0", "--iteration", "4")
    assert main(["show", "@last", "--step", "0", "--iteration", "8"]) == 2


def test_a_failed_run_shows_its_tries_its_partial_result_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def script(call: AgentCall) -> str:
        return '{"n": 1}' if call.key.startswith("step/0.") else "I would rather not."

    run = stored(script, plan(step(0, next_step_sequence_number=1), step(1)))
    text = shown(capsys, "@last")
    assert "status   failed" in text
    assert 'step 0 gave: {"n": 1}' in text
    assert "step 1 failed:" in text
    assert "result   none: what is above is partial" in text
    assert f"resume   maker resume {run}" in text
    assert "try 2: failed" in shown(capsys, "@last", "--step", "1")
    assert main(["show", "@last", "--result"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "1 of 2 steps done" in err
    partial = document(capsys, "@last", "--result", code=1)
    assert partial["output"] is None
    assert partial["steps"][0]["output"] == {"n": 1}


def test_a_run_that_crashed_in_a_vote_shows_what_was_bought(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = contested()
    cut(run, 5)
    text = shown(capsys, run[-6:])
    assert "status   crashed" in text
    assert f"resume   maker resume {run}" in text
    assert "unfinished" in text
    assert "not yet: the vote is open" in shown(capsys, "@last", "--step", "0")


def test_the_result_is_the_bare_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answer = step(output_schema="{answer: string}")
    stored(by_sample([{"answer": "Forty-two.\nAs ever."}]), plan(answer))
    assert shown(capsys, "@last", "--result") == "Forty-two.\nAs ever.\n"


def test_the_plan_is_yaml_that_can_be_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    given = plan(step(0, vote_on=["n"], task_description="Count: #words\nand `more`."))
    stored(by_sample([{"n": 1}]), given)
    text = shown(capsys, "@last", "--plan")
    assert parse_plan(text, tools=ToolRegistry.with_defaults().specs()).plan == given
    assert document(capsys, "@last", "--plan")["steps"][0]["title"] == "work 0"


def test_events_are_one_line_each_with_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    contested()
    lines = shown(capsys, "@last", "--events").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert "Task completed" in lines[-1]
    events = document(capsys, "@last", "--events")["events"]
    assert [event["seq"] for event in events] == list(range(1, len(lines) + 1))
    assert events[0]["type"] == "TaskSubmitted"


def test_a_prompt_is_found_by_its_call_key(capsys: pytest.CaptureFixture[str]) -> None:
    contested()
    text = shown(capsys, "@last", "--prompt", "step/0.0/0/1")
    assert "===== prompt =====" in text
    assert "Count the words." in text
    assert '{"n": 4}' in text
    assert main(["show", "@last", "--prompt", "step/0.0/0/77"]) == 2
    assert "step/0.0/0/0" in capsys.readouterr().err


def test_a_run_without_a_plan_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    stored(lambda call: "I have no plan.", None)
    assert "status   failed" in shown(capsys, "@last")
    assert main(["show", "@last", "--plan"]) == 1
    assert "has no plan" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args",
    [
        ["@last", "--result", "--plan"],
        ["@last", "--iteration", "1"],
        ["@last", "--step", "9"],
        ["@last~7"],
        ["zz"],
        ["00000000"],
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    contested()
    assert main(["show", *args]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("part", [(), ("--step", "0"), ("--events",)])
def test_what_a_model_wrote_cannot_control_the_terminal(
    part: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = {"n": 3, "note": "\x1b[2J\x1b]0;owned\x07\u202ereversed"}
    config = TaskConfig(instruction="Count\x1b[31m.")
    stored(by_sample([hostile]), plan(step(title="work\x1b[1m")), config=config)
    text = shown(capsys, "@last", *part)
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
