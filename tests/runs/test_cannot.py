"""An honest "it cannot be done" ends its step at once, and the planner is asked for another way."""

from __future__ import annotations

import json

import pytest

from fakes import Play, ScriptedAgent, config, plan, play, step
from maker.cli.view.report import resume_command
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall, Plan
from maker.inspect.replay import replay
from maker.plan.plan_text import plan_to_yaml

CANNOT = json.dumps({"cannot": "pytest.ini does not exist"})
LOOK = step(0, output_schema="{files: [string]}", next_step_sequence_number=1)


def two_steps(title: str) -> Plan:
    return plan(LOOK, step(1, title=title, input_variables=["step_0_output.files"]))


def agent(*plans: Plan, cannot: str = CANNOT) -> ScriptedAgent:
    """Plans in turn; a step called `first way` cannot be done."""

    def script(call: AgentCall) -> str:
        place = keys.place_of(call.key)
        if isinstance(place, keys.PlanPlace):
            return plan_to_yaml(plans[min(place.attempt, len(plans) - 1)])
        if "first way" in call.prompt:
            return cannot
        return (
            '{"files": ["a.py"]}'
            if '"files"' in call.prompt.partition("# Answer")[2]
            else '{"n": 1}'
        )

    return ScriptedAgent(script)


async def planned(script: ScriptedAgent, **settings: object) -> Play:
    return await play(script, config=config(**settings))


async def test_the_planner_is_asked_once_for_what_remains() -> None:
    script = agent(two_steps("first way"), two_steps("second way"))
    session = await planned(script)
    assert isinstance(session.events[-1], e.TaskCompleted)
    (abandoned,) = session.of(e.PlanAbandoned)
    assert abandoned == e.PlanAbandoned(
        step=1,
        reason="step 1 (first way) cannot be done: pytest.ini does not exist",
        timestamp=abandoned.timestamp,
    )
    asked = next(call for call in script.calls if call.key == "plan/1")
    assert "pytest.ini does not exist" in asked.prompt
    assert "a.py" in asked.prompt, "what is finished is told"
    assert [key for key in script.keys if key.startswith("step/0")] == ["step/0.0/0/0"]
    assert replay(await session.records()).outcome == "identical"


async def test_it_is_said_at_once_and_never_called_thrown_away() -> None:
    script = agent(two_steps("first way"))
    session = await planned(script, replans=0, step_max_retries=2)
    assert len(session.of(e.TryFailed)) == 1
    assert not any("thrown away" in call.prompt for call in script.calls)
    failed = session.events[-1]
    assert isinstance(failed, e.TaskFailed)
    assert failed.error == "step 1 (first way) cannot be done: pytest.ini does not exist"


async def test_a_second_plan_that_cannot_be_done_either_is_the_end() -> None:
    script = agent(two_steps("first way"), two_steps("first way, again"))
    session = await planned(script)
    assert isinstance(session.events[-1], e.TaskFailed)
    assert len(session.of(e.PlanAbandoned)) == 1
    assert session.orchestrator is not None
    command = resume_command(session.orchestrator.run_id, session.orchestrator.state, None)
    assert command.endswith(" --replan")


async def test_a_plan_of_the_user_is_never_replaced() -> None:
    script = agent(two_steps("second way"))
    session = await play(script, config=config(), given=two_steps("first way"))
    assert isinstance(session.events[-1], e.TaskFailed)
    assert not session.of(e.PlanAbandoned)


@pytest.mark.parametrize("strategy", ["majority", "first_to_k"])
async def test_in_a_vote_its_quorum_is_enough(strategy: str) -> None:
    script = agent(two_steps("first way"))
    session = await planned(script, replans=0, voting_strategy=strategy, voting_k=2)
    assert [key for key in script.keys if key.startswith("step/1")] == [
        "step/1.0/0/0",
        "step/1.0/0/1",
    ]
    (failed,) = session.of(e.StepFailed)
    assert isinstance(failed, e.StepFailed)
    assert (failed.end, failed.error) == ("cannot", "cannot be done: pytest.ini does not exist")


async def test_a_cut_anywhere_leads_to_the_same_end() -> None:
    plans = two_steps("first way"), two_steps("second way")
    whole = await planned(agent(*plans))
    records = await whole.records()
    for length in range(1, len(records)):
        again = await play(
            agent(*plans), config=config(), history=records[:length], opening=[e.RunResumed()]
        )
        assert isinstance(again.events[-1], e.TaskCompleted), length
        assert len([r for r in await again.records() if r.type == "PlanAbandoned"]) == 1
