"""No plan, however wrong, makes a check raise; and the docs list every check."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from maker.core.models import Plan, PlanStep, Repeat
from maker.plan.check_table import CHECKS
from maker.plan.checks import check_plan
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()
DOCS = Path(__file__).parent.parent.parent / "docs" / "plan.md"

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


@given(st.lists(any_step, max_size=6), st.text(max_size=40))
def test_no_plan_makes_a_check_raise(steps: list[PlanStep], instruction: str) -> None:
    checked = check_plan(
        Plan(reasoning="", steps=steps), tools=TOOLS, instruction=instruction, models=["x"]
    )
    assert checked.errors
    assert all(problem.message and problem.fix for problem in checked.errors)


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
