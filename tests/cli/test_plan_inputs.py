"""Saved plans as commands: what they ask for, and what `--set` gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from stored_runs import database

from maker.cli.main import program
from maker.inspect.replay import replay
from maker.store.queries import Reader

PLAN = """\
reasoning: |
  One step for each file.
inputs: {pr: int, files: "[string]", mode: quick|whole, note: string?}
plan:
  - step: 0
    task_type: action_step
    title: review one file
    task_description: |
      Review the file named by the item, of the pull request inputs.pr.
    input_variables: [inputs.pr, inputs.mode, inputs.note, item]
    for_each: inputs.files
    output_schema: "{ok: bool}"
    next_step_sequence_number: 1
  - step: 1
    task_type: conditional_step
    title: go deeper?
    task_description: Only where the whole is wanted.
    input_variables: [inputs.mode]
    next_step_sequence_number: -2
    targets: {quick: 2, whole: 2}
  - step: 2
    task_type: action_step
    title: sum up
    task_description: Sum up.
    input_variables: [step_0_output]
    output_schema: "{text: string}"
    next_step_sequence_number: -1
"""
GIVEN = ("pr=123", "files=a.py, b.py", "mode=quick")


def run(tmp_path: Path, *pairs: str, text: str = PLAN) -> tuple[int, str]:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    settings = [word for pair in pairs for word in ("--set", pair)]
    arguments = ["run", "--plan", str(path), "--agent", "simulated", *settings]
    done = CliRunner().invoke(program, arguments)
    advice = getattr(done.exception, "advice", "")
    return done.exit_code, f"{done.stderr}\n{done.exception} {advice}"


def test_the_values_are_typed_part_of_the_run_and_lists_to_work_on(tmp_path: Path) -> None:
    code, said = run(tmp_path, *GIVEN)
    assert code == 0, said
    with Reader(str(database())) as reader:
        log = reader.records(reader.resolve("@last"))
    assert b'"pr":123' in log[0].payload
    assert b'"files":["a.py","b.py"]' in log[0].payload
    assert sum(record.type == "AgentReplied" for record in log) == 3
    assert replay(log).outcome == "identical"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((), "the plan needs --set pr=INT, --set files=[STRING], --set mode=QUICK|WHOLE"),
        ((*GIVEN[1:], "pr=abc"), "pr: expected int"),
        ((*GIVEN[:2], "mode=slow"), "mode: expected quick|whole"),
        ((*GIVEN, "nots=x"), "Did you mean note=...?"),
        ((*GIVEN, "note"), "sets no input of the plan"),
    ],
)
def test_what_is_missing_unknown_or_of_another_type_is_said_before_anything_is_recorded(
    tmp_path: Path, pairs: tuple[str, ...], message: str
) -> None:
    code, said = run(tmp_path, *pairs)
    assert code != 0
    assert message in said
    assert not database().exists()


def test_a_path_that_is_not_there_is_no_input(tmp_path: Path) -> None:
    text = PLAN.replace("pr: int", "pr: path")
    code, said = run(tmp_path, "pr=no/such/file", *GIVEN[1:], text=text)
    assert code != 0
    assert "no/such/file does not exist" in said


def test_a_plan_without_inputs_takes_none(tmp_path: Path) -> None:
    code, said = run(tmp_path, "pr=1", text=PLAN.replace("inputs: {pr", "#inputs: {pr"))
    assert code != 0
    assert "declares" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[inputs.mode]", "[inputs.modus]", "the plan declares no input 'inputs.modus'"),
        ("pr: int", "pr: number", "the inputs of the plan cannot be read"),
        ("for_each: inputs.files", "for_each: inputs.pr", "inputs.pr is not declared a list"),
        ("{quick: 2, whole: 2}", "{quick: 2}", "inputs.mode may be whole"),
    ],
)
def test_a_plan_that_misuses_its_inputs_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace(old, new))
    done = CliRunner().invoke(program, ["plan", "--check", str(path)])
    assert message in f"{done.output}{done.stderr}{done.exception}"
