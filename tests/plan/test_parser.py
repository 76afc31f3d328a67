"""Reading plans: what is lossless is adapted and noted, everything else is a problem."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.models import Plan, PlanStep, Problem, Repeat, ToolSpec
from maker.plan.checks import check_plan
from maker.plan.fields import CONVERT
from maker.plan.parser import Parsed, parse_plan
from maker.plan.plan_text import plan_to_yaml
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()
ROOT = Path(__file__).parent.parent.parent
SEED = ROOT.parent / "shared" / "seed" / "tests"

MINIMAL: dict[str, Any] = {
    "step": 0,
    "task_type": "action_step",
    "title": "Count",
    "task_description": "Count the files.",
    "output_schema": "{count: int}",
    "next_step_sequence_number": -1,
}


def parsed(**changes: Any) -> Parsed:
    """The minimal plan with some fields changed; None removes one."""
    step = {name: value for name, value in {**MINIMAL, **changes}.items() if value is not None}
    return parse_plan(json.dumps({"reasoning": "Small.", "plan": [step]}), TOOLS)


def step_of(result: Parsed) -> PlanStep:
    assert result.plan is not None, result.problems
    return result.plan.steps[0]


def problem_of(result: Parsed) -> Problem:
    assert result.plan is None
    return result.problems[0]


def test_absent_optional_fields_take_their_defaults() -> None:
    step = step_of(parsed())
    assert step.output_variable == "step_0_output"
    assert (step.primary_tools, step.targets, step.repeat) == ([], None, None)


_PASSES = Repeat(until="ok", max_iterations=3, on_exhausted="continue")


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("step", "0", 0),
        ("next_step_sequence_number", "-1", -1),
        ("next_step_sequence_number", -1.0, -1),
        ("primary_tools", "Read", ["Read"]),
        ("primary_tools", "Read, Grep", ["Read", "Grep"]),
        ("primary_tools", ["read", "GREP"], ["Read", "Grep"]),
        ("input_variables", "step_0_output.x", ["step_0_output.x"]),
        ("input_variables", ["{{ step_0_output.x }}"], ["step_0_output.x"]),
        ("input_variables", ["${step_0_output.x}", "`item`"], ["step_0_output.x", "item"]),
        ("task_type", "Action_Step", "action_step"),
        ("targets", ["1", -1], [1, -1]),
        ("targets", 1, [1]),
        ("output_schema", {"count": "int", "files": ["string"]}, "{count: int, files: [string]}"),
        ("effect", "READ", "read"),
        ("repeat", {"until": "ok", "max_iterations": "3"}, _PASSES),
    ],
)
def test_a_lossless_change_is_made_and_noted(field: str, given: Any, expected: Any) -> None:
    result = parsed(**{field: given})
    assert getattr(step_of(result), field) == expected
    assert any(field in note for note in result.notes)


@pytest.mark.parametrize("empty", ["", "null", "None", "~"])
@pytest.mark.parametrize("field", ["for_each", "model", "effect", "repeat", "targets"])
def test_an_optional_field_given_as_nothing_is_absent(field: str, empty: str) -> None:
    assert getattr(step_of(parsed(**{field: empty})), field) is None


@pytest.mark.parametrize(
    ("spelled", "field", "value"),
    [
        ("forEach", "for_each", "step_0_output.files"),
        ("for-each", "for_each", "step_0_output.files"),
        ("Vote On", "vote_on", ["count"]),
        ("nextStepSequenceNumber", "next_step_sequence_number", -1),
    ],
)
def test_a_field_may_be_spelled_in_another_style(spelled: str, field: str, value: Any) -> None:
    result = parsed(**{field: None, spelled: value})
    assert getattr(step_of(result), field) == value
    assert result.notes == [f"step 0: {spelled} read as {field}"]


def test_a_conditional_step_needs_no_schema_and_no_next_step() -> None:
    step = step_of(
        parsed(task_type="conditional_step", output_schema=None, next_step_sequence_number=None)
    )
    assert step.output_schema == "{next_step: int, reason: string}"
    assert step.next_step_sequence_number == -2


@pytest.mark.parametrize(
    "name", ["step", "task_type", "title", "task_description", "next_step_sequence_number"]
)
def test_a_missing_required_field_is_named(name: str) -> None:
    problem = problem_of(parsed(**{name: None}))
    assert (problem.check, problem.step) == ("fields", 0)
    assert problem.message == f"{name} is missing"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("step", True),
        ("step", "first"),
        ("step", "1_0"),
        ("step", "٣"),
        ("next_step_sequence_number", 1.5),
        ("next_step_sequence_number", "9" * 400),
        ("title", ["a"]),
        ("task_description", {"a": 1}),
        ("primary_tools", [1]),
        ("primary_tools", {"Read": True}),
        ("targets", ["one"]),
        ("vote_on", ["a"] * 1_001),
        ("repeat", {"until": "ok"}),
        ("repeat", {"until": "ok", "max_iterations": 3, "forever": True}),
        ("repeat", "until ok"),
        ("effect", "none at all"),
        ("on_item_error", "ignore"),
    ],
)
def test_a_value_of_another_type_is_a_problem(field: str, given: Any) -> None:
    problem = problem_of(parsed(**{field: given}))
    assert problem.check == "fields"
    assert field in problem.message
    assert problem.fix


def test_a_misspelled_field_is_a_problem_and_an_unknown_one_is_left_out() -> None:
    assert problem_of(parsed(for_eech="x")).message.endswith("did you mean for_each?")
    result = parsed(priority="high")
    assert step_of(result) == step_of(parsed())
    assert result.notes == ["step 0: there is no field 'priority'; it was left out"]


def test_every_problem_is_reported_at_once() -> None:
    result = parsed(step="x", title=[1], repeat="y", task_description=None)
    assert len(result.problems) == 4


def test_a_problem_quotes_the_line() -> None:
    text = plan_to_yaml(Plan(reasoning="r", steps=[step_of(parsed()), step_of(parsed(step=1))]))
    places = [found.start() for found in re.finditer("next_step_sequence_number: -1", text)]
    spoiled = f"{text[: places[1]]}next_step_sequence_number: the end{text[places[1] + 29 :]}"
    problem = problem_of(parse_plan(spoiled, TOOLS))
    assert problem.step == 1
    assert problem.quote == "next_step_sequence_number: the end"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot plan this.",
        "[]",
        "[1, 2]",
        "reasoning: only",
        "plan: none",
        "plan: []\nsteps: []",
        "reasoning: a\nplan:\n  - step: 0\n   title: x",
        "plan: &a [*a]",
        "[" * 20_000,
        "{" * 20_000,
        "\x00\ud800",
        '{"plan": [{"step": 0',
    ],
)
def test_text_that_is_no_plan_is_a_problem_of_parsing(text: str) -> None:
    problem = problem_of(parse_plan(text, TOOLS))
    assert problem.check == "parse"
    assert problem.message
    assert problem.fix


def test_steps_that_are_no_mappings_are_problems() -> None:
    result = parse_plan('{"reasoning": "r", "plan": [1, "two", null]}', TOOLS)
    assert [problem.step for problem in result.problems] == [0, 1, 2]


def test_a_plan_inside_of_plan_is_read() -> None:
    inside = {"plan": {"reasoning": "Small.", "steps": [MINIMAL]}}
    assert parse_plan(json.dumps(inside), TOOLS).plan == parsed().plan


def test_text_that_yaml_would_change_is_kept_as_it_is_written() -> None:
    text = """\
reasoning: One step: it is small
plan:
  - step: 0
    task_type: action_step
    title: Fix issue #12 now
    task_description: Error: x is "a" b, 12:30:45
    output_schema: {count: int, kind: a|b}
    next_step_sequence_number: -1
"""
    step = step_of(parse_plan(text, TOOLS))
    assert step.title == "Fix issue #12 now"
    assert step.task_description == 'Error: x is "a" b, 12:30:45'
    assert step.output_schema == "{count: int, kind: a|b}"


def test_comments_behind_names_are_no_part_of_them() -> None:
    text = """\
reasoning: Small.  # really
plan:  # one step
  - step: 0  # the only one
    task_type: action_step  # not a decision
    title: Fix issue #12 now
    task_description: Fix it.
    primary_tools: [Read]  # nothing else
    output_schema: {ok: bool}  # an answer
    output_variable: step_0_output  # as always
    next_step_sequence_number: -1  # the end
    effect: read  # looks only
    model: null  # the run's own
"""
    step = step_of(parse_plan(text, TOOLS))
    assert (step.task_type, step.output_variable) == ("action_step", "step_0_output")
    assert (step.output_schema, step.effect, step.model) == ("{ok: bool}", "read", None)
    assert (step.title, step.primary_tools) == ("Fix issue #12 now", ["Read"])


@pytest.mark.skipif(not SEED.exists(), reason="the seed's tests are not here")
def test_the_seeds_plan_is_read_and_valid() -> None:
    source = (SEED / "test_integration_test_end_to_end.py").read_text()
    found = re.search(r'MOCK_PLAN_YAML = """(.*?)"""', source, re.DOTALL)
    assert found is not None
    only_read = [tool for tool in TOOLS if tool.name == "Read"]
    result = parse_plan(found[1], only_read)
    assert result.plan is not None
    checked = check_plan(
        result.plan, tools=only_read, instruction="Read /tmp/test.txt and summarize it"
    )
    assert (checked.errors, checked.warnings, result.notes) == ([], [], [])


# --- never an exception ------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
step_like = st.dictionaries(st.sampled_from([*CONVERT, "other"]), json_values, max_size=8)


@given(st.fixed_dictionaries(dict.fromkeys(MINIMAL, st.none())) | step_like, json_values)
def test_no_mapping_makes_the_parser_raise(step: dict[str, Any], reasoning: Any) -> None:
    for entry in (step, {**MINIMAL, **step}):
        text = json.dumps({"reasoning": reasoning, "plan": [entry]})
        result = parse_plan(text, TOOLS)
        assert (result.plan is None) == bool(result.problems)
        if result.plan is not None:
            check_plan(result.plan, tools=TOOLS, instruction="x")


@given(st.text(max_size=300) | st.text("-:{}[]|>&*!'\"#\n plansteps0123", max_size=200))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    result = parse_plan(text, TOOLS)
    assert (result.plan is None) == bool(result.problems)


def test_a_tool_is_read_as_the_cli_spells_it_and_the_change_is_noted() -> None:
    specs = [*TOOLS, ToolSpec(name="mcp__s", description="", effect="external")]
    plan = [{**MINIMAL, "primary_tools": ["mcp__s__add.item"]}]
    result = parse_plan(json.dumps({"reasoning": "r", "plan": plan}), specs)
    assert result.plan is not None
    assert result.plan.steps[0].primary_tools == ["mcp__s__add_item"]
    assert result.notes == ["step 0: primary_tools read as mcp__s__add_item"]
