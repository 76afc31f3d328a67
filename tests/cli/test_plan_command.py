"""`maker plan`: a plan to look at, to edit, to check; nothing is carried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from maker.cli.main import main
from maker.cli.plan_files import examine, line_of, problem_lines
from maker.cli.view.plan_tree import planned_steps, tree, voting_outlook
from maker.core.models import Plan, PlanStep, Problem, Repeat, TaskConfig
from maker.tools.registry import ToolRegistry

if TYPE_CHECKING:
    from cli.conftest import Pipe

TOOLS = ToolRegistry.with_defaults().specs()
SIMULATED = ("--agent", "simulated")
PLAN = """\
reasoning: |
  Look, then decide.
plan:
  - step: 0
    task_type: action_step
    title: look
    task_description: |
      Look at the files.
    primary_tools: [Glob]
    output_variable: step_0_output
    output_schema: "{files: [string], many: bool}"
    vote_on: [many]
    next_step_sequence_number: 1
  - step: 1
    task_type: action_step
    title: write each
    task_description: |
      Write a summary of the item.
    primary_tools: [Read, Write]
    for_each: step_0_output.files
    input_variables: [item]
    output_variable: step_1_output
    output_schema: "{summary: string}"
    next_step_sequence_number: -1
"""


def the_plan() -> Plan:
    plan = examine(PLAN, tools=TOOLS).plan
    assert plan is not None
    return plan


def test_a_plan_is_shown_with_tools_effects_votes_and_cost(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "Count the files", *SIMULATED]) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith("Plan: 2 steps; effects: pure; cost: nothing")
    assert "could be voted on: parts, difficulty" in shown.out
    assert "Step 0 started" not in shown.err
    assert "resume    maker resume" in shown.err


def test_the_yaml_of_a_plan_can_be_checked_and_run(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    assert main(["plan", "Count the files", *SIMULATED, "--yaml", "-o", str(path)]) == 0
    assert main(["plan", "--check", str(path)]) == 0
    assert "can be run" in capfd.readouterr().err
    assert main(["run", "--plan", str(path), *SIMULATED]) == 0
    assert capfd.readouterr().out == "simulated answer\n"


def test_json_gives_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "Count the files", *SIMULATED, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["schema_version"] == 1
    assert [step["effect"] for step in document["steps"]] == ["pure", "pure"]
    assert document["plan"]["steps"][0]["title"] == "assess the task"


def test_a_check_from_the_standard_input_names_the_lines(
    capfd: pytest.CaptureFixture[str], pipe: Pipe
) -> None:
    bad = PLAN.replace("[Glob]", "[Blog]").replace("number: 1\n", "number: 9\n")
    pipe(bad.encode())
    assert main(["plan", "--check", "-"]) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "line 9, step 0" in shown.err
    assert "line 13, step 0" in shown.err


def test_a_check_as_json_lists_what_is_wrong(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("[Glob]", "[Blog]"))
    assert main(["plan", "--check", str(path), "--json"]) == 2
    document = json.loads(capfd.readouterr().out)
    assert document["ok"] is False
    assert document["errors"][0]["step"] == 0


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"plan: [", b"[" * 20_000, b"\x00" * 40])
def test_no_file_makes_a_check_fail_with_anything_but_code_2(
    data: bytes, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(data)
    assert main(["plan", "--check", str(path)]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_is_no_yaml_is_refused_with_its_line_once_and_its_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("reasoning: one step\nplan:\n  - step: 0\n    title: Error: say it\n")
    assert main(["plan", "--check", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("line 4") == 1
    assert "Quote a text that holds ': '" in said


@pytest.mark.parametrize(
    "command", [("plan", "--check"), ("run", "--agent", "simulated", "--plan")]
)
def test_a_plan_that_is_too_long_is_refused_wherever_it_comes_from(
    command: tuple[str, ...],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"- " * 1_900_000)
    for source in (str(path), "-"):
        with path.open() as standard_input:
            monkeypatch.setattr("sys.stdin", standard_input)
            assert main([*command, source]) == 2
        shown = capfd.readouterr().err
        assert "has more than 2,000,000 bytes" in shown
        assert "is it the right file?" in shown


def test_a_missing_file_is_told_with_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--check", "/no/such/plan.yaml"]) == 2
    assert "/no/such/plan.yaml" in capfd.readouterr().err


def test_the_tree_names_lists_effects_and_why_a_step_is_not_voted() -> None:
    shown = tree(the_plan(), TaskConfig(instruction="x", voting_strategy="majority"), TOOLS)
    assert "effects: read, write" in shown
    assert "voted on (majority): many" in shown
    assert "for each of step_0_output.files" in shown
    assert "not voted: the step has effects (write)" in shown
    assert "at list price" in shown


def test_the_cap_limits_the_cost_that_is_shown() -> None:
    shown = tree(the_plan(), TaskConfig(instruction="x", max_cost_usd=0.05), TOOLS)
    assert "capped at $0.0500" in shown


def test_what_a_step_is_told_is_priced() -> None:
    plain = the_plan()
    reading = plain.steps[0]
    changes = {"task_description": "x" * 84_000, "input_variables": ["context"]}
    long = msgspec.structs.replace(reading, **changes)
    config, context = TaskConfig(instruction="x"), "y" * 320_000
    before = planned_steps(plain, config, TOOLS)[0].cost
    after = planned_steps(Plan(reasoning="r", steps=[long]), config, TOOLS, context=context)[0].cost
    assert after.low_usd - before.low_usd == pytest.approx(0.30, rel=0.01)


def test_the_outlook_says_what_voting_would_cost_more() -> None:
    outlook = voting_outlook(the_plan(), TaskConfig(instruction="x"), TOOLS)
    assert outlook.startswith("1 of 2 steps could be voted on: --voting first_to_k (first to ")
    assert "roughly $" in outlook


def test_hostile_text_in_a_plan_is_shown_harmless() -> None:
    evil = "\x1b[2J\u202e evil\nline"
    step = PlanStep(
        step=0,
        task_type="action_step",
        title=evil,
        task_description=evil,
        primary_tools=[evil],
        model=evil,
        output_schema="{done: bool}",
        repeat=Repeat(until=evil, max_iterations=3),
    )
    shown = tree(Plan(reasoning=evil, steps=[step]), TaskConfig(instruction="x"), TOOLS)
    assert all(line.isprintable() for line in shown.splitlines())
    problem = Problem(check="x", message=evil, fix=evil, quote=evil, step=0)
    assert all(line.isprintable() for line in problem_lines([problem], PLAN))


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem(check="c", message="m", step=1, quote="primary_tools: [Read]"), 19),
        (Problem(check="c", message="m", step=1), 14),
        (Problem(check="c", message="m", quote="reasoning: |"), 1),
        (Problem(check="c", message="cannot be read at line 7: x"), 7),
        (Problem(check="c", message="m", step=9, quote="title: x"), 0),
        (Problem(check="c", message="m"), 0),
    ],
)
def test_a_problem_is_found_in_the_text(problem: Problem, line: int) -> None:
    assert line_of(problem, PLAN) == line
