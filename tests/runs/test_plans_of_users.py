"""Plans that the user gives or edits, beside the planner's own, before and after a failure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fakes import PLAN_TEXT, ScriptedAgent, plan, play, step
from maker.core import events as e
from maker.core.models import AgentCall, TaskConfig
from maker.core.policy import missing_grants
from maker.core.state import RunState
from maker.inspect.replay import replay
from maker.prompts.quality import QUALITIES

WRITES = step(0, primary_tools=["Write"])
ONE_TRY = TaskConfig(instruction="Count the words.", step_max_retries=0)


def judgement(*, good: bool) -> str:
    judged = {name: {"pass": good, "reason": "so", "steps": [0]} for name in QUALITIES}
    return msgspec.json.encode(judged).decode()


async def edit_once(state: RunState) -> Sequence[e.Event]:
    assert state.plan is not None
    if state.plan.steps[0].title == "mine":
        return [e.PlanApproved(grants=missing_grants(state))]
    mine = step(0, title="mine", primary_tools=["Write"])
    return [e.PlanCreated(plan=plan(mine), origin="user")]


async def test_an_edited_plan_is_judged_by_itself() -> None:
    def script(call: AgentCall) -> str:
        if call.role == "check":
            return judgement(good="mine" not in call.prompt)
        return '{"n": 1}'

    agent = ScriptedAgent(script)
    checked = TaskConfig(instruction="Count the words.", enable_quality_checks=True)
    session = await play(agent, config=checked, given=plan(WRITES), consent=edit_once)
    judged = [call for call in agent.calls if call.role == "check"]
    assert ["mine" in call.prompt for call in judged] == [False, True]
    failed = session.events[-1]
    assert isinstance(failed, e.TaskFailed)
    assert failed.error.startswith("your plan is not valid")
    assert replay(await session.records()).outcome == "identical"


async def test_after_a_users_plan_failed_the_planner_has_all_its_attempts() -> None:
    first = await play(lambda call: '{"cannot": "so"}', config=ONE_TRY, given=plan())

    def script(call: AgentCall) -> str:
        if call.role == "plan":
            return PLAN_TEXT if call.key == "plan/2" else "no: plan: ["
        return '{"n": 1}'

    again = await play(script, history=await first.records(), opening=[e.RunResumed(replan=True)])
    assert len(again.of(e.ValidationFailed)) == 1
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert replay(await again.records()).outcome == "identical"


async def test_a_users_plan_that_is_refused_is_never_replaced_by_the_planners() -> None:
    agent = ScriptedAgent(lambda call: PLAN_TEXT)
    broken = plan(step(0, next_step_sequence_number=7))
    first = await play(agent, given=broken)
    again = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    for session in (first, again):
        failed = session.events[-1]
        assert isinstance(failed, e.TaskFailed)
        assert failed.error.startswith("your plan is not valid")
    assert agent.keys == []
