"""A new plan does not do again what is done: unchanged finished steps keep their outcome."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fakes import Play, ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core.fold import fold
from maker.core.keeping import kept_steps
from maker.core.models import AgentCall, Plan, PlanStep
from maker.inspect.replay import replay

THREE = [
    step(0, next_step_sequence_number=1),
    step(1, primary_tools=["Write"], next_step_sequence_number=2),
    step(2, input_variables=["step_0_output.n"]),
]
ALLOWED = config(allow=["write"], step_max_retries=0)


def fails_at(number: int) -> Callable[[AgentCall], str]:
    def script(call: AgentCall) -> str:
        return "nothing" if call.key.startswith(f"step/{number}.") else '{"n": 1}'

    return script


async def failed_run(*steps: PlanStep, at: int = 2) -> Play:
    return await play(fails_at(at), config=ALLOWED, given=plan(*steps))


async def resumed(first: Play, new: Plan, *more: e.Event, **options: object) -> Play:
    """The run resumed with a plan of the user's, as the application opens it."""
    kept = kept_steps(fold(await first.log()), new)
    given = e.PlanCreated(plan=new, origin="user", kept=kept)
    opening = [e.RunResumed(rules=2, options=options), given, *more]
    agent = ScriptedAgent(lambda call: '{"n": 2}')
    return await play(agent, history=await first.records(), opening=opening)


def asked_steps(session: Play) -> list[str]:
    assert isinstance(session.agent, ScriptedAgent)
    return [key.split(".")[0] for key in session.agent.keys]


async def test_the_same_plan_again_does_only_what_was_not_done() -> None:
    again = await resumed(await failed_run(*THREE), plan(*THREE))
    assert asked_steps(again) == ["step/2"]
    done = again.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert [line["status"] for line in done.result["steps"]] == ["completed"] * 3
    assert [line["output"]["n"] for line in done.result["steps"]] == [1, 1, 2]
    assert replay(await again.records()).outcome == "identical"


async def test_a_title_or_another_way_on_does_not_make_a_step_a_new_one() -> None:
    titled = [step(0, title="other words", next_step_sequence_number=1), *THREE[1:]]
    assert asked_steps(await resumed(await failed_run(*THREE), plan(*titled))) == ["step/2"]


async def test_a_changed_step_and_all_that_reads_its_output_are_done_anew() -> None:
    changed = [
        step(0, task_description="Count the lines.", next_step_sequence_number=1),
        step(1, next_step_sequence_number=2),
        step(2, input_variables=["step_0_output.n"], next_step_sequence_number=3),
        step(3),
    ]
    before = [
        step(0, next_step_sequence_number=1),
        *changed[1:],
    ]
    again = await resumed(await failed_run(*before, at=3), plan(*changed))
    assert asked_steps(again) == ["step/0", "step/2", "step/3"], "step 1 reads nothing"


async def test_a_finished_step_with_effects_is_done_again_only_with_consent_by_name() -> None:
    first = await failed_run(*THREE)
    other = [
        THREE[0],
        step(1, primary_tools=["Write"], task_description="X", next_step_sequence_number=2),
        THREE[2],
    ]
    again = await resumed(first, plan(*other))
    last = again.events[-1]
    assert isinstance(last, e.RunPaused)
    assert (last.reason, last.detail) == ("approval", "the plan needs consent for: again:1")
    assert asked_steps(again) == []
    agreed = await resumed(first, plan(*other), e.PlanApproved(grants=["again:1"]))
    assert asked_steps(agreed) == ["step/1", "step/2"]


async def test_consent_to_do_a_step_again_holds_for_one_plan() -> None:
    first = await failed_run(*THREE)
    other = plan(step(0, primary_tools=["Write"], next_step_sequence_number=-1))
    agreed = await resumed(first, other, e.PlanApproved(grants=["again:1"]))
    assert agreed.orchestrator is not None
    assert agreed.orchestrator.state.execution.approved == ["again:1"]
    last = await resumed(first, plan(*THREE))
    assert last.orchestrator is not None
    assert last.orchestrator.state.execution.approved == []


async def test_a_plan_that_was_refused_in_between_loses_nothing() -> None:
    first = await failed_run(*THREE)
    refused = await resumed(first, plan(step(0, output_schema="{")))
    assert isinstance(refused.events[-1], e.TaskFailed)
    again = await resumed(refused, plan(*THREE))
    assert asked_steps(again) == ["step/2"]


async def test_a_new_plan_of_the_planner_keeps_finished_steps_too() -> None:
    first = await failed_run(*THREE[:2], step(2))
    text = json.dumps(
        {
            "reasoning": "r",
            "plan": [
                {
                    "step": 0,
                    "task_type": "action_step",
                    "title": "count",
                    "task_description": "Count the words.",
                    "output_variable": "step_0_output",
                    "output_schema": "{n: int}",
                    "next_step_sequence_number": -1,
                }
            ],
        }
    )
    agent = ScriptedAgent(lambda call: text)
    opening = [e.RunResumed(rules=2, replan=True)]
    again = await play(agent, history=await first.records(), opening=opening)
    assert agent.keys == ["plan/1"]
    (created,) = again.of(e.PlanCreated)
    assert isinstance(created, e.PlanCreated)
    assert created.kept == [0]
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert replay(await again.records()).outcome == "identical"


@pytest.mark.parametrize("decision", [1, 2])
async def test_a_kept_branch_leads_where_it_led(decision: int) -> None:
    branch = [
        step(
            0,
            task_type="conditional_step",
            next_step_sequence_number=-2,
            output_schema="",
            input_variables=["context"],
        ),
        step(1, next_step_sequence_number=3),
        step(2, next_step_sequence_number=3),
        step(3, input_variables=["step_1_output.n", "step_2_output.n"]),
    ]

    def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return json.dumps({"next_step": decision, "reason": "so"})
        return "nothing" if call.key.startswith("step/3") else '{"n": 1}'

    first = await play(script, config=ALLOWED, given=plan(*branch), context="two")
    again = await resumed(first, plan(*branch))
    assert asked_steps(again) == ["step/3"]


async def test_a_plan_that_is_wholly_kept_is_complete_without_a_call() -> None:
    first = await failed_run(step(0, next_step_sequence_number=1), step(1), at=1)
    again = await resumed(first, plan(step(0)))
    assert asked_steps(again) == []
    assert isinstance(again.events[-1], e.TaskCompleted)
