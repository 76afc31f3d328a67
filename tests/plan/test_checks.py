"""The checks: all at once, never an exception, and where each draws its line."""

from __future__ import annotations

from typing import Any

import pytest

from maker.core.models import Effect, Plan, PlanStep, Repeat, ToolSpec
from maker.plan.check_table import CHECKS
from maker.plan.checks import (
    LONGEST_MESSAGE,
    MOST_PROBLEMS,
    Checked,
    check_plan,
)
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()


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


def test_a_tool_that_the_cli_spells_otherwise_is_refused() -> None:
    specs = [*TOOLS, ToolSpec(name="mcp__s", description="", effect="external")]
    (problem,) = check(action(0, -1, primary_tools=["mcp__s__add.item"]), tools=specs).errors
    assert problem.check == "known-tools"
    assert "offered as mcp__s__add_item" in problem.message


@pytest.mark.parametrize("field", ["task_description", "primary_tool_instructions"])
def test_a_text_that_no_prompt_should_hold_is_refused_before_any_step(field: str) -> None:
    (problem,) = check(action(0, -1, **{field: "x" * 3_000_000})).errors
    assert (problem.check, problem.step) == ("text", 0)
    assert "3,00" in problem.message
    assert "limit of 100,000" in problem.message
    assert "file" in problem.fix
    assert found(action(0, -1, primary_tools=["Read"], **{field: "x" * 90_000})) == set()


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
        ("step_0_output.names.0", True),
        ("step_0_output.inner.0", False),
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


def test_what_is_said_of_a_hostile_plan_stays_short_and_printable() -> None:
    name = "\x1b[31m" + "x" * 100_000
    bad = action(0, -1, primary_tools=[name] * 2, input_variables=[name] * 500, title="")
    checked = check(bad, instruction=f'"{"y" * 150}" ' * 500)
    assert len(checked.errors) <= MOST_PROBLEMS
    for problem in [*checked.errors, *checked.warnings]:
        assert len(problem.message) <= LONGEST_MESSAGE
        assert (problem.message + problem.quote).isprintable()


@pytest.mark.parametrize(
    ("vote_on", "is_right"),
    [
        (["summary"], False),
        (["finding.short_reason", "summary"], False),
        (["remark"], False),
        (["summary", "is_clear"], True),
        (["version"], True),
        (["finding.file"], True),
        ([], True),
    ],
)
def test_a_vote_on_free_text_alone_is_refused(vote_on: list[str], is_right: bool) -> None:
    schema = (
        "{summary: string, is_clear: bool, version: string, remark: string?, "
        "finding: {file: string, short_reason: string}}"
    )
    step = action(0, -1, output_schema=schema, vote_on=vote_on)
    assert ("vote-on" not in found(step)) is is_right
