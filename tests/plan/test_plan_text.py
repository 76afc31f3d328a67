"""Plans as YAML: every plan survives being written and read; the docs' example is a real one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from fakes import PLAN_TEXT
from maker.core.models import Plan, PlanStep, Repeat
from maker.plan.checks import check_plan
from maker.plan.fields import CONVERT
from maker.plan.parser import parse_plan, parse_plan_file
from maker.plan.plan_text import plan_to_yaml
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()
DOCS = Path(__file__).parent.parent.parent / "docs" / "plan.md"

awkward = st.sampled_from(
    [
        "Show this:\n```yaml\nplan: []\n```\nand stop.\n",
        "```\nunclosed fence",
        "---\nreasoning: other\nplan: []\n...\n",
        "reasoning: x\nplan:\n  - step: 9\n    title: y\n",
        'Answer {"plan": [], "reasoning": ""} or [1, 2',
        "# no comment\n- no list\n\n\nend #1",
        "| > & * ! % @ ` ' \" : , [ ] { }",
        r"C:\new\table and \bword\b and \u0041",
        "key: value # comment",
        "Tab\there",
        "no",
        "1.10",
        "~",
    ]
)
printable = awkward | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=60
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
steps = st.builds(
    PlanStep,
    step=st.integers(0, 300),
    task_type=st.sampled_from(["action_step", "conditional_step"]),
    title=printable.map(str.strip),
    task_description=printable,
    primary_tools=st.lists(st.sampled_from(["Read", "Grep", "mcp__a__b"]), max_size=3),
    primary_tool_instructions=printable,
    input_variables=st.lists(names, max_size=3),
    output_variable=names,
    output_schema=st.sampled_from(
        ["{a: string}", "{k: 'a #1'|b, n: [int]?}", "{a: any} {", "[string]", "no", '{"any": int}']
    ),
    next_step_sequence_number=st.integers(-2, 300),
    vote_on=st.lists(names, max_size=3),
    targets=st.none() | st.lists(st.integers(-1, 300), max_size=3),
    for_each=st.none() | names.filter(lambda name: name.lower() not in ("none", "null")),
    repeat=st.none() | st.builds(Repeat, until=names, max_iterations=st.integers(-5, 10**7)),
    effect=st.sampled_from([None, "pure", "read", "write", "external"]),
)


@given(st.builds(Plan, reasoning=printable, steps=st.lists(steps, min_size=1, max_size=3)))
def test_every_plan_written_as_yaml_is_read_back_unchanged(plan: Plan) -> None:
    for parse in (parse_plan, parse_plan_file):
        result = parse(plan_to_yaml(plan), TOOLS)
        assert result.problems == []
        assert result.plan == plan


COUNT = PlanStep(
    step=0,
    task_type="action_step",
    title="Count",
    task_description="Count the files.",
    output_schema="{count: int}",
)


def test_texts_are_written_as_blocks() -> None:
    text = plan_to_yaml(Plan(reasoning="Two\nlines\n", steps=[COUNT]))
    assert "reasoning: |\n  Two\n  lines\n" in text
    assert 'output_schema: "{count: int}"' in text


def test_the_example_in_the_docs_is_valid() -> None:
    found = re.search(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    result = parse_plan(found[1], TOOLS)
    assert result.plan is not None, result.problems
    checked = check_plan(result.plan, tools=TOOLS, instruction="Improve the chapters.")
    assert (checked.errors, checked.warnings, result.notes) == ([], [], [])


def test_the_docs_name_every_field() -> None:
    text = DOCS.read_text()
    assert [
        name for name in CONVERT if f"| `{name}`" not in text and f", `{name}`" not in text
    ] == []


def test_no_vote_and_commands_are_written_and_read_back() -> None:
    text = PLAN_TEXT.rstrip() + "\n    vote_on: []\n    accept: make test, then lint\n"
    plan = parse_plan(text, TOOLS).plan
    assert plan is not None
    assert (plan.steps[0].is_voted, plan.steps[0].accept) == (False, ["make test, then lint"])
    assert parse_plan(plan_to_yaml(plan), TOOLS).plan == plan


def test_a_repeated_step_that_is_read_goes_on_when_it_has_run_out() -> None:
    text = PLAN_TEXT.replace("{n: int}", "{n: int, done: bool}").rstrip()
    ends: dict[str, Literal["fail", "continue"]] = {"": "continue", ", on_exhausted: fail": "fail"}
    for line, end in ends.items():
        spelled = f"{text}\n    repeat: {{until: done, max_iterations: 3{line}}}\n"
        plan = parse_plan(spelled, TOOLS).plan
        assert plan is not None
        assert plan.steps[0].repeat == Repeat(until="done", max_iterations=3, on_exhausted=end)
        assert parse_plan(plan_to_yaml(plan), TOOLS).plan == plan
