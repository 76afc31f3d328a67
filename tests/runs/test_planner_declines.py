"""A planner that gives no plan but a reason, or what it must know first."""

from __future__ import annotations

import pytest

from fakes import PLAN_TEXT, Play, ScriptedAgent, config, plan, play
from maker import app
from maker.core import events as e
from maker.core.models import AgentCall
from maker.core.state import RunState
from maker.errors import ConfigError
from maker.inspect.replay import replay

ASKS = '{"cannot": "Which of the two configurations is meant?"}'
QUESTION = "Which of the two configurations is meant?"


def planner(*replies: str) -> ScriptedAgent:
    """Plans with these replies, one after another; steps count to one."""
    left = list(replies)

    def script(call: AgentCall) -> str:
        return left.pop(0) if call.role == "plan" else '{"n": 1}'

    return ScriptedAgent(script)


def state_of(run: Play) -> RunState:
    assert run.orchestrator is not None
    return run.orchestrator.state


@pytest.mark.parametrize(
    "text",
    [
        ASKS,
        f"I looked at it.\n\n```json\n{ASKS}\n```",
        "cannot: Which of the two configurations is meant?",
    ],
)
async def test_its_question_pauses_the_run_and_costs_no_second_attempt(text: str) -> None:
    agent = planner(text)
    run = await play(agent)
    paused = run.of(e.RunPaused)[-1]
    assert (paused.reason, paused.detail) == ("question", QUESTION)
    assert len(agent.calls) == 1
    assert not run.of(e.ValidationFailed)


async def test_the_answer_goes_to_the_planner_which_is_not_asked_for_less() -> None:
    first = await play(planner(ASKS))
    state = state_of(first)
    opening = app._resumption(app.Changes(answer="the one in etc/"), state)
    agent = planner(PLAN_TEXT)
    run = await play(agent, history=await first.records(), opening=opening)
    assert QUESTION in agent.calls[0].prompt
    assert "the one in etc/" in agent.calls[0].prompt
    assert agent.calls[0].key == "plan/1"
    assert run.of(e.TaskCompleted)
    assert replay(await run.records()).outcome == "identical"


async def test_resumed_without_an_answer_it_asks_again_and_buys_nothing() -> None:
    first = await play(planner(ASKS))
    agent = planner()
    run = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert run.of(e.RunPaused)[-1].detail == QUESTION
    assert agent.calls == []


async def test_a_plan_of_the_users_answers_it_too() -> None:
    first = await play(planner(ASKS))
    given = e.PlanCreated(plan=plan(), origin="user")
    run = await play(planner(), history=await first.records(), opening=[e.RunResumed(), given])
    assert run.of(e.TaskCompleted)


async def test_who_is_there_is_asked_at_once() -> None:
    questions = []

    async def ask_user(question: str, options: object) -> str:
        questions.append(question)
        return "the one in etc/"

    run = await play(planner(ASKS, PLAN_TEXT), ask_user=ask_user)
    assert questions == [QUESTION]
    assert run.of(e.TaskCompleted)
    assert not run.of(e.RunPaused)


async def test_who_says_nothing_pauses_the_run() -> None:
    async def ask_user(question: str, options: object) -> str:
        return "  "

    run = await play(planner(ASKS), ask_user=ask_user)
    assert run.of(e.RunPaused)[-1].reason == "question"


async def test_what_is_no_plan_and_no_question_is_refused_as_ever() -> None:
    run = await play(planner("I will do it."), config=config(max_planner_retries=0))
    assert run.of(e.ValidationFailed)
    assert run.of(e.TaskFailed)


async def test_a_plan_beside_a_doubt_is_a_plan() -> None:
    run = await play(planner(PLAN_TEXT + "cannot: be sure\n"))
    assert run.of(e.TaskCompleted)


async def test_an_answer_to_nothing_is_an_error() -> None:
    run = await play(planner(PLAN_TEXT), config=config(dry_run=True))
    with pytest.raises(ConfigError, match="asked nothing"):
        app._resumption(app.Changes(answer="yes"), state_of(run))
