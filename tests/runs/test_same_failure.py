"""The same failure is not bought thirty times: what a request must give again ends its step."""

from __future__ import annotations

import pytest

from fakes import Answer, ScriptedAgent, config, plan, play, reply, step
from maker.core import events as e
from maker.core.models import AgentCall, AgentError, AgentReply
from maker.inspect.replay import replay

VOTED = config(voting_strategy="first_to_k", voting_k=3)
ALONE = config()
CANNOT = '{"cannot": "pytest.ini does not exist"}'
TOO_LONG = "I went on and on. " * 400 + '{"n": 1}'


def failing(kind: str) -> AgentReply:
    return AgentReply(text="", cost_usd=0.01, error=AgentError(kind=kind, message="no"))


@pytest.mark.parametrize("kind", ["refusal", "bad_request", "prompt_too_long"])
@pytest.mark.parametrize(("settings", "bought"), [(VOTED, 3), (ALONE, 2)])
async def test_two_failures_alike_end_the_step_with_advice(
    kind: str, settings: object, bought: int
) -> None:
    agent = ScriptedAgent(lambda call: failing(kind))
    session = await play(agent, config=settings, given=plan())  # type: ignore[arg-type]
    assert len(agent.calls) == bought
    last = session.events[-1]
    assert isinstance(last, e.TaskFailed)
    assert last.error.endswith("."), "advice is a sentence"
    assert replay(await session.records()).outcome == "identical"


@pytest.mark.parametrize(("settings", "bought"), [(VOTED, 3), (ALONE, 1)])
async def test_a_quorum_of_cannot_ends_the_step_at_once(settings: object, bought: int) -> None:
    agent = ScriptedAgent(lambda call: CANNOT)
    session = await play(agent, config=settings, given=plan())  # type: ignore[arg-type]
    assert len(agent.calls) == bought
    last = session.events[-1]
    assert isinstance(last, e.TaskFailed)
    assert "pytest.ini does not exist" in last.error


async def test_one_failure_beside_answers_changes_nothing() -> None:
    def script(call: AgentCall) -> Answer:
        return failing("refusal") if call.key.endswith("/0/1") else '{"n": 1}'

    session = await play(ScriptedAgent(script), config=VOTED, given=plan())
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_replies_that_are_too_long_go_to_the_next_try_which_names_the_limit() -> None:
    def script(call: AgentCall) -> str:
        return TOO_LONG if call.key.split("/")[2] == "0" else '{"n": 1}'

    agent = ScriptedAgent(script)
    session = await play(agent, config=VOTED, given=plan())
    assert isinstance(session.events[-1], e.TaskCompleted)
    assert len(agent.calls) == 6, "three of the first round, three of the next try"
    assert "the limit is 750" in agent.calls[-1].prompt


async def test_a_step_that_was_given_up_gets_its_tries_again_on_resume() -> None:
    first = await play(lambda call: failing("refusal"), config=ALONE, given=plan())
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    again = await play(agent, history=await first.records(), opening=[e.RunResumed(rules=2)])
    assert isinstance(again.events[-1], e.TaskCompleted)


@pytest.mark.parametrize("kind", ["refusal", "bad_request", "prompt_too_long"])
async def test_a_planner_that_fails_alike_twice_is_not_asked_again(kind: str) -> None:
    agent = ScriptedAgent(lambda call: failing(kind))
    session = await play(agent, config=config(max_planner_retries=8))
    assert len(agent.calls) == 2
    last = session.events[-1]
    assert isinstance(last, e.TaskFailed)
    assert last.error.startswith("no valid plan after 2 attempts")


async def test_items_are_given_up_one_by_one() -> None:
    """A refusal of one item says nothing of the others."""
    each = plan(
        step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
        step(1, for_each="step_0_output.files", on_item_error="skip"),
    )

    def script(call: AgentCall) -> Answer:
        if call.key.startswith("step/0"):
            return '{"files": ["a", "b", "c"]}'
        return failing("refusal") if call.key.startswith("step/1.1/") else reply('{"n": 1}')

    agent = ScriptedAgent(script)
    session = await play(agent, config=ALONE, given=each)
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert done.census is not None
    assert [entry.iteration for entry in done.census.missing] == [1]
    assert sum(key.startswith("step/1.1/") for key in agent.keys) == 2
