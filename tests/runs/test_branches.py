"""Branches that the program takes by itself."""

from __future__ import annotations

import json

import pytest

from fakes import Play, ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core.models import AgentCall, Plan
from maker.inspect.replay import replay
from maker.plan.checks import check_plan
from maker.plan.parser import parse_plan, parse_plan_file
from maker.plan.plan_text import plan_to_yaml
from maker.tools.registry import ToolRegistry

KIND = "{kind: timeout|assertion|other, sure: bool, note: string, maybe: bool?}"


def branching(targets: dict[str, int], by: str = "kind", *more: str) -> Plan:
    """A step that finds out, a branch by what it found, and a step for each way."""
    inputs = [f"step_0_output.{name}" for name in (by, *more)]
    return plan(
        step(0, output_schema=KIND, next_step_sequence_number=1),
        step(
            1,
            task_type="conditional_step",
            output_schema="",
            input_variables=inputs,
            next_step_sequence_number=-2,
            targets=targets,
        ),
        step(2, next_step_sequence_number=4),
        step(3, next_step_sequence_number=4),
        step(4),
    )


async def run_with(answer: dict[str, object], given: Plan, **settings: object) -> Play:
    def script(call: AgentCall) -> str:
        return json.dumps(answer if call.key.startswith("step/0.") else {"n": 1})

    agent = ScriptedAgent(script)
    return await play(agent, config=config(**settings), given=given)


FOUND = {"kind": "assertion", "sure": False, "note": "", "maybe": None}


@pytest.mark.parametrize(
    ("by", "targets", "taken"),
    [
        ("kind", {"timeout": 2, "assertion": 3, "other": 4}, 3),
        ("sure", {"true": 2, "false": 3}, 3),
        ("sure", {"true": 3, "false": 2}, 2),
    ],
)
async def test_the_value_decides_and_nobody_is_asked(
    by: str, targets: dict[str, int], taken: int
) -> None:
    run = await run_with(FOUND, branching(targets, by), voting_strategy="majority")
    steps = [event.step for event in run.of(e.StepCompleted)]
    assert steps == [0, 1, taken, 4]
    assert not any(key.startswith("step/1.") for key in run.agent.keys)  # type: ignore[attr-defined]
    decided = run.of(e.StepCompleted)[1]
    assert decided.output["next_step"] == taken
    assert decided.cost_usd == 0
    assert replay(await run.records()).outcome == "identical"


async def test_a_value_without_a_target_fails_the_step_with_its_name() -> None:
    run = await run_with({**FOUND, "kind": "other"}, branching({"timeout": 2, "assertion": 3}))
    assert run.of(e.ValidationFailed), "the check sees it before anything is bought"
    assert run.agent.keys == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (branching({"timeout": 2, "assertion": 3}), "may be other, which has no target"),
        (branching({"timeout": 2, "assertion": 3, "other": 4, "x": 4}), "is never 'x'"),
        (branching({"true": 2, "false": 3}, "note"), "neither bool nor an enumeration"),
        (branching({"true": 2, "false": 3}, "maybe"), "neither bool nor an enumeration"),
        (branching({"true": 2, "false": 3}, "sure", "kind"), "there are 2"),
        (branching({"true": 2, "false": 9}, "sure"), "there is no step 9"),
        (branching({"true": 2, "false": 0}, "sure"), "leads back"),
    ],
)
def test_a_mapping_has_a_target_for_each_value_and_no_other(given: Plan, message: str) -> None:
    checked = check_plan(given, tools=ToolRegistry.with_defaults().specs(), instruction="Do it.")
    assert any(message in problem.message for problem in checked.errors), checked.errors


@pytest.mark.parametrize(
    "line",
    [
        "targets: {true: 2, false: 3}",
        "targets: {True: 2, False: '3'}",
        "targets:\n      true: 2\n      false: 3",
    ],
)
def test_a_mapping_is_read_as_it_is_written(line: str) -> None:
    text = f"""\
reasoning: r
plan:
  - step: 0
    task_type: conditional_step
    title: t
    task_description: d
    {line}
    next_step_sequence_number: -2
"""
    for read in (parse_plan, parse_plan_file):
        made = read(text, ToolRegistry.with_defaults().specs()).plan
        assert made is not None
        assert {word.lower(): n for word, n in made.steps[0].targets.items()} == {  # type: ignore[union-attr]
            "true": 2,
            "false": 3,
        }
        assert parse_plan(plan_to_yaml(made), []).plan == made
