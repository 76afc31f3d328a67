"""What the texts of a step may say: only what its agent sees, has and may choose."""

from __future__ import annotations

from typing import Any

import pytest

from maker.core.models import Plan, PlanStep
from maker.plan.checks import check_plan
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()


def step(number: int, following: int, text: str, **changes: Any) -> PlanStep:
    fields: dict[str, Any] = {
        "task_type": "action_step",
        "title": "Work",
        "output_variable": f"step_{number}_output",
        "output_schema": "{kind: low|high, files: [string]}",
        "input_variables": [f"step_{number - 1}_output"] if number else [],
    }
    return PlanStep(
        step=number,
        task_description=text,
        next_step_sequence_number=following,
        **{**fields, **changes},
    )


def decision(text: str, **changes: Any) -> list[PlanStep]:
    fields = {"task_type": "conditional_step", "output_schema": "", "targets": [2, 3], **changes}
    return [
        step(0, 1, "Find the kind."),
        step(1, -2, text, **fields),
        step(2, 3, "Mend it.", input_variables=["step_0_output.files"]),
        step(3, 4, "Report it."),
        step(4, -1, "Say what was done."),
    ]


def found(*steps: PlanStep) -> set[str]:
    checked = check_plan(Plan(reasoning="So.", steps=list(steps)), tools=TOOLS, instruction="Do it")
    return {problem.check for problem in [*checked.errors, *checked.warnings]}


def test_a_decision_without_inputs_has_nothing_to_decide_by() -> None:
    assert found(*decision("If it is low, next_step is 2, else 3.")) == set()
    assert "conditional" in found(*decision("If it is low, 2, else 3.", input_variables=[]))


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("If the kind is low, next_step is 2. Otherwise next_step is 3.", True),
        ("If the kind is low, next_step is 4. Otherwise it is 3.", False),
        ("`next_step`: `4` where it is low, else 3.", False),
        ("next_step = -1 where it is low, else 3.", False),
        ("If it is low go to step 4, else to step 3.", False),
        ("If it is low, continue with step 2, else skip to step 3.", True),
        ("If step 0 took more than 4 tries, next_step is 2, else 3.", True),
        ("If the version is next_step 2.1 or so, 2, else 3.", True),
    ],
)
def test_a_decision_is_told_of_no_step_that_it_may_not_choose(text: str, is_right: bool) -> None:
    assert ("targets-in-text" not in found(*decision(text))) == is_right


def test_a_branch_that_the_program_takes_is_told_nothing() -> None:
    targets = {"low": 2, "high": 3}
    steps = decision("Go to step 4.", targets=targets, input_variables=["step_0_output.kind"])
    assert found(*steps) == set()


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("Use Bash to count the lines.", False),
        ("Count the lines using the `Bash` tool.", False),
        ("Count them via WebSearch.", False),
        ("The Grep tool finds them.", False),
        ("Use Read to open it.", True),
        ("Do not use Bash.", True),
        ("Count the lines without using Bash.", True),
        ("Never, ever use Bash for it.", True),
        ("Use Python 3 and write the Write-up.", True),
        ("Explain when to prefer Bash over Perl.", True),
        ("Say which files use Bash-isms.", True),
    ],
)
def test_whoever_is_told_to_use_a_tool_has_it(text: str, is_right: bool) -> None:
    assert ("tools-in-text" not in found(step(0, -1, text, primary_tools=["Read"]))) == is_right


@pytest.mark.parametrize("kind", ["primary_tool", "fallback_tool"])
def test_instructions_for_no_tool_are_a_warning(kind: str) -> None:
    told: dict[str, Any] = {f"{kind}_instructions": "Search for TODO."}
    assert found(step(0, -1, "Count.", **told)) == {"tools-in-text"}
    assert found(step(0, -1, "Count.", **told, **{f"{kind}s": ["Grep"]})) == set()


@pytest.mark.parametrize(
    ("text", "inputs", "is_right"),
    [
        ("Sort step_0_output.files.", ["step_0_output.files"], True),
        ("Sort step_0_output.files.", ["step_0_output"], True),
        ("Sort the files of step_0_output.", ["step_0_output.files"], True),
        ("Answer as step_1_output says.", ["step_0_output.files"], True),
        ("Sort step_0_output.files by step_0_output.kind.", ["step_0_output.files"], False),
    ],
)
def test_an_output_that_the_text_names_is_an_input(
    text: str, inputs: list[str], is_right: bool
) -> None:
    steps = step(0, 1, "Find them."), step(1, -1, text, input_variables=inputs)
    assert ("self-contained" not in found(*steps)) == is_right


@pytest.mark.parametrize(
    ("text", "inputs", "is_right"),
    [
        ("Summarise it in one sentence.", [], False),
        ("Summarise the item in one sentence.", [], True),
        ("Summarise this in one sentence.", [], True),
        ("Summarise the file in one sentence.", [], True),
        ("Summarise it in one sentence.", ["item"], True),
    ],
)
def test_a_step_for_each_item_speaks_of_it(text: str, inputs: list[str], is_right: bool) -> None:
    each = step(1, -1, text, for_each="step_0_output.files", input_variables=inputs)
    assert ("self-contained" not in found(step(0, 1, "Find them."), each)) == is_right


def test_a_list_may_be_the_answer() -> None:
    each = step(1, -1, "Name the file.", for_each="step_0_output.files", input_variables=[])
    assert found(step(0, 1, "Find them."), each) == set()
