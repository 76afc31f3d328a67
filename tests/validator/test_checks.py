"""The checks: all at once, never an exception, and where each draws its line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maker.core.models import Effect, Plan, PlanStep, Repeat, ToolSpec
from maker.tools.registry import ToolRegistry
from maker.validator.check_table import CHECKS
from maker.validator.checks import Checked, check_plan
from maker.validator.literals import is_kept, literals

TOOLS = ToolRegistry.with_defaults().specs()
DOCS = Path(__file__).parent.parent.parent / "docs" / "plan.md"


def action(step: int, following: int, **changes: Any) -> PlanStep:
    fields: dict[str, Any] = {
        "task_type": "action_step",
        "title": "Work",
        "task_description": "Do it.",
        "output_variable": f"step_{step}_output",
        "output_schema": "{n: int, ok: bool, names: [string], inner: {deep: [{x: int}]}}",
        "input_variables": [f"step_{step - 1}_output"] if step else [],
    }
    return PlanStep(step=step, next_step_sequence_number=following, **{**fields, **changes})


def decision(step: int, targets: list[int] | None, **changes: Any) -> PlanStep:
    fields = {"task_type": "conditional_step", "output_schema": "", "targets": targets}
    return action(step, -2, **{**fields, **changes})


def check(*steps: PlanStep, instruction: str = "Do it.", **changes: Any) -> Checked:
    plan = Plan(reasoning="Because.", steps=list(steps))
    return check_plan(plan, **{"tools": TOOLS, "instruction": instruction, **changes})


def found(*steps: PlanStep, **changes: Any) -> set[str]:
    checked = check(*steps, **changes)
    return {problem.check for problem in [*checked.errors, *checked.warnings]}


def test_all_checks_report_at_once() -> None:
    bad = action(
        3,
        7,
        title="",
        primary_tools=["Reed", "Read"],
        fallback_tools=["Read"],
        output_schema="{",
        output_variable="x",
        model="other",
        repeat=Repeat(until="ok", max_iterations=0),
        for_each="files",
        vote_on=["y"],
        effect="pure",
        input_variables=["z"],
    )
    expected = {"step-numbers", "text", "known-tools", "disjoint-tools", "next-exists", "ends"}
    expected |= {"final-output", "output-variable", "schema", "inputs", "for-each", "repeat"}
    expected |= {"model", "effect"}
    assert expected <= found(bad)


def test_each_problem_says_where_what_and_how_to_mend_it() -> None:
    (problem,) = check(action(0, -1, primary_tools=["Reed"])).errors
    assert (problem.check, problem.step) == ("known-tools", 0)
    assert problem.message == "there is no tool 'Reed'; the nearest is Read"
    assert problem.quote == "primary_tools: [Reed]"
    assert problem.fix


def test_every_check_that_finds_nothing_is_counted() -> None:
    assert check(action(0, -1)).checks_passed == len(CHECKS)
    assert check(action(0, -1, title="")).checks_passed == len(CHECKS) - 1


def test_a_line_of_branches_that_merge_is_right() -> None:
    steps = [action(0, 1), decision(1, [2, 3]), action(2, 3), action(3, -1)]
    assert found(*steps) == {"used-outputs"} - {"used-outputs"}


def test_a_decision_without_targets_may_lead_to_any_later_step_or_the_end() -> None:
    steps = [action(0, 1), decision(1, None), action(2, -1), action(3, -1)]
    steps[2] = action(2, -1, input_variables=["step_0_output"])
    steps[3] = action(3, -1, input_variables=["step_0_output"])
    assert found(*steps) == set()


@pytest.mark.parametrize("target", [0, 1])
def test_a_decision_never_leads_back_or_to_itself(target: int) -> None:
    assert "forward" in found(action(0, 1), decision(1, [target, -1]), action(2, -1))


def test_a_cycle_is_backward_and_without_an_end() -> None:
    assert {"forward", "ends"} <= found(action(0, 1), action(1, 0, input_variables=[]))


def test_an_input_from_another_branch_is_not_there() -> None:
    steps = [action(0, 1), decision(1, [2, 3]), action(2, -1, input_variables=["step_0_output"])]
    last = action(3, -1, input_variables=["step_2_output.n"])
    (problem,) = check(*steps, last).errors
    assert (problem.check, problem.step) == ("inputs", 3)
    assert "no step before this one" in problem.message


def test_an_input_that_only_some_paths_bring_is_allowed() -> None:
    steps = [action(0, 1), decision(1, [2, 3]), action(2, 3, input_variables=["step_0_output"])]
    assert found(*steps, action(3, -1, input_variables=["step_2_output.n"])) == set()


@pytest.mark.parametrize(
    ("path", "is_right"),
    [
        ("step_0_output", True),
        ("step_0_output.n", True),
        ("step_0_output.inner.deep", True),
        ("step_0_output.inner.deep.x", True),
        ("step_0_output.inner.deep.y", False),
        ("step_0_output.m", False),
        ("step_0_output.n.m", False),
        ("step_0_output.names.0", False),
        ("step_0_output.", False),
        ("step_0_output..n", False),
        ("step_00_output", True),
        ("step_1_output", False),
        ("step_9_output", False),
        ("step_-1_output", False),
        ("Step_0_output", False),
        ("item", False),
        ("last_output", False),
        ("", False),
    ],
)
def test_an_input_names_what_is_declared_before(path: str, is_right: bool) -> None:
    steps = [action(0, 1), action(1, -1, input_variables=[path, "step_0_output"])]
    assert ("inputs" not in found(*steps)) is is_right


@pytest.mark.parametrize(
    ("for_each", "is_right"),
    [
        ("step_0_output.names", True),
        ("step_0_output.inner.deep", True),
        ("step_0_output.inner.deep.x", True),
        ("step_0_output", False),
        ("step_0_output.n", False),
        ("step_0_output.other", False),
        ("step_1_output.names", False),
        ("names", False),
        ("", False),
    ],
)
def test_for_each_needs_a_list_from_before(for_each: str, is_right: bool) -> None:
    steps = [action(0, 1), action(1, -1, for_each=for_each)]
    assert ("for-each" not in found(*steps)) is is_right


def test_the_output_of_a_for_each_step_is_a_list_and_paths_map_over_it() -> None:
    steps = [
        action(0, 1),
        action(1, 2, for_each="step_0_output.names", input_variables=["item"]),
        action(2, 3, for_each="step_1_output", input_variables=["item.n", "item.inner.deep.x"]),
        action(3, -1, for_each="step_2_output.n", input_variables=["item", "step_1_output.ok"]),
    ]
    assert found(*steps) == set()
    assert "inputs" in found(
        *steps[:2], action(2, -1, for_each="step_1_output.n", input_variables=["item.x"])
    )


@pytest.mark.parametrize(
    ("until", "is_right"), [("ok", True), ("n", False), ("", False), ("names", False)]
)
def test_a_repeated_step_ends_by_a_bool_of_its_own(until: str, is_right: bool) -> None:
    step = action(0, -1, repeat=Repeat(until=until, max_iterations=3))
    assert ("repeat" not in found(step)) is is_right


@pytest.mark.parametrize(
    ("limit", "is_right"),
    [(0, False), (1, True), (1_100_000, True), (1_100_001, False), (-1, False)],
)
def test_repetition_is_bounded(limit: int, is_right: bool) -> None:
    step = action(0, -1, repeat=Repeat(until="ok", max_iterations=limit))
    assert ("repeat" not in found(step)) is is_right


def test_only_allowed_models_can_be_named() -> None:
    step = action(0, -1, model="claude-haiku-4-5")
    assert found(step, models=["claude-haiku-4-5"]) == set()
    assert found(step) == {"model"}


@pytest.mark.parametrize(
    ("declared", "tools", "is_right"),
    [
        ("pure", [], True),
        ("external", [], True),
        ("read", ["Read"], True),
        ("pure", ["Read"], False),
        ("read", ["Read", "Bash"], False),
        ("write", ["mcp__shop"], False),
        (None, ["mcp__shop__buy"], True),
    ],
)
def test_an_effect_is_never_declared_weaker(
    declared: Effect | None, tools: list[str], is_right: bool
) -> None:
    shop = ToolSpec(name="mcp__shop", description="", effect="external")
    step = action(0, -1, primary_tools=tools, effect=declared)
    assert ("effect" not in found(step, tools=[*TOOLS, shop])) is is_right


def test_a_plan_of_too_many_steps_is_refused_at_once() -> None:
    steps = [action(n, n + 1 if n < 9_999 else -1) for n in range(10_000)]
    assert found(*steps) == {"step-count"}


def test_two_hundred_decisions_are_checked_quickly_enough_to_be_no_attack() -> None:
    steps = [decision(n, None) for n in range(199)]
    assert "final-output" not in found(*steps, action(199, -1))


@pytest.mark.parametrize(
    "phrase", ["the previous step", "as described above", "the user's request"]
)
def test_a_description_that_points_elsewhere_is_a_warning(phrase: str) -> None:
    checked = check(action(0, -1, task_description=f"Use {phrase}."))
    assert [problem.check for problem in checked.warnings] == ["self-contained"]
    assert checked.ok


def test_a_plan_of_wrong_types_is_an_error_and_no_exception() -> None:
    for step in (action(0, -1, vote_on=None), action(0, -1, title=object()), 3, None):
        checked = check_plan(Plan(reasoning="r", steps=[step]), tools=TOOLS, instruction="x")  # type: ignore[list-item]
        assert [problem.check for problem in checked.errors] == ["fields"]
        assert checked.errors[0].fix


# --- literals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Fetch https://a.example/x?y=1, then stop.", ["https://a.example/x?y=1"]),
        ('Replace "old name" by `new`', ["old name", "new"]),
        ("Read src/app.py and README.md.", ["src/app.py", "README.md"]),
        ("Look at /etc/hosts and ~/notes", ["/etc/hosts", "~/notes"]),
        ("Give 3 of 1,000 at version 1.4.0", ["3", "1,000", "1.4.0"]),
        ("Don't say and/or, e.g. he/she", []),
        ("All *.md files in docs/", ["*.md", "docs/"]),
        ("The user's file isn't 'that one'", ["that one"]),
        ("Summarise it", []),
    ],
)
def test_literals_of_an_instruction_are_found(instruction: str, expected: list[str]) -> None:
    assert sorted(literals(instruction)) == sorted(expected)


@pytest.mark.parametrize(
    ("literal", "text", "is_there"),
    [
        ("3", "exactly 3 lines", True),
        ("3", "exactly three lines", True),
        ("3", "exactly 13 lines", False),
        ("3", "version 3.1", False),
        ("3", "stop at 3.", True),
        ("README.md", "read readme.md", True),
        ("1.4.0", "set 1.4.0", True),
        ("1.4.0", "set 1.4.01", False),
    ],
)
def test_a_literal_is_kept_word_for_word(literal: str, text: str, is_there: bool) -> None:
    assert is_kept(literal, text) is is_there


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_every_literal_of_a_text_is_kept_by_the_text(text: str) -> None:
    assert [literal for literal in literals(text) if not is_kept(literal, text)] == []


# --- never an exception ------------------------------------------------------------------------

words = st.sampled_from(
    [
        "",
        "x",
        "ok",
        "item",
        "item.x",
        "step_0_output",
        "step_1_output.ok",
        "step_2_output.n.x",
        ".",
        "Read",
    ]
)
numbers = st.integers(-4, 6)
any_step = st.builds(
    PlanStep,
    step=numbers,
    task_type=st.sampled_from(["action_step", "conditional_step", "x"]),
    title=words,
    task_description=words,
    primary_tools=st.lists(words, max_size=2),
    fallback_tools=st.lists(words, max_size=2),
    input_variables=st.lists(words, max_size=3),
    output_variable=words,
    output_schema=st.sampled_from(
        [
            "",
            "{",
            "string",
            "any",
            "{x: any}",
            "{n: int, ok: bool}",
            "[{x: int}]",
            "{x: [[string]]}?",
        ]
    ),
    next_step_sequence_number=numbers,
    vote_on=st.lists(words, max_size=2),
    targets=st.none() | st.lists(numbers, max_size=3),
    for_each=st.none() | words,
    repeat=st.none() | st.builds(Repeat, until=words, max_iterations=numbers),
    model=st.none() | words,
    effect=st.sampled_from([None, "pure", "write"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(any_step, max_size=6), st.text(max_size=40))
def test_no_plan_makes_a_check_raise(steps: list[PlanStep], instruction: str) -> None:
    checked = check_plan(
        Plan(reasoning="", steps=steps), tools=TOOLS, instruction=instruction, models=["x"]
    )
    assert checked.errors
    assert all(problem.message and problem.fix for problem in checked.errors)


# --- docs --------------------------------------------------------------------------------------


def test_the_docs_list_every_check_with_its_rule() -> None:
    rows = ["| check | rule |", "|---|---|"]
    for entry in CHECKS:
        warning = " (warning)" if entry.severity == "warning" else ""
        rule = entry.teach.replace("|", "\\|")
        rows.append(f"| `{entry.name}`{warning} | {rule} |")
    table = "\n".join(rows) + "\n"
    text = DOCS.read_text()
    if os.environ.get("MAKER_UPDATE_SNAPSHOTS"):
        text = re.sub(r"\n\| check \| rule \|\n.*", "", text, flags=re.DOTALL).rstrip("\n")
        text = f"{text}\n\n{table}"
        DOCS.write_text(text)
    assert text.endswith(f"\n\n{table}"), "run with MAKER_UPDATE_SNAPSHOTS=1"
