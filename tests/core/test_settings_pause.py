"""A run that its own settings keep from going on pauses, and other settings free it."""

from __future__ import annotations

import pytest

from fakes import Play, ScriptedAgent, plan, play
from maker.core import events as e
from maker.core.models import AgentCall, TaskConfig
from maker.errors import ConfigError, ModelNotFound
from maker.replay import replay

VOTED = TaskConfig(
    instruction="Count.", model="gone", voting_strategy="first_to_k", voting_k=2, cwd="/gone"
)
NEW = {"model": "new", "cwd": "/here"}


def fault(call: AgentCall, kind: str) -> Exception:
    if kind == "model":
        return ModelNotFound("gone", "the API knows no model gone")
    return ConfigError("the working folder /gone does not exist", field="cwd")


def paused(session: Play, reason: str) -> None:
    last = session.events[-1]
    assert isinstance(last, e.RunPaused), last
    assert last.reason == reason


@pytest.mark.parametrize("kind", ["model", "settings"])
async def test_before_any_reply_the_same_try_goes_on_with_the_new_settings(kind: str) -> None:
    def script(call: AgentCall) -> str | Exception:
        return '{"n": 3}' if (call.model, call.cwd) == ("new", "/here") else fault(call, kind)

    first = await play(ScriptedAgent(script), config=VOTED, given=plan())
    paused(first, kind)
    agent = ScriptedAgent(script)
    again = await play(agent, history=await first.records(), opening=[e.RunResumed(options=NEW)])
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert agent.keys == ["step/0.0/0/0", "step/0.0/0/1"]
    assert replay(await again.records()).outcome == "identical"


@pytest.mark.parametrize("kind", ["model", "settings"])
async def test_a_vote_that_has_begun_is_not_mixed_but_held_again(kind: str) -> None:
    def script(call: AgentCall) -> str | Exception:
        lost = call.model == "gone" and call.key.endswith("/1")
        return fault(call, kind) if lost else '{"n": 3}'

    first = await play(ScriptedAgent(script), config=VOTED, given=plan())
    paused(first, kind)
    agent = ScriptedAgent(script)
    again = await play(agent, history=await first.records(), opening=[e.RunResumed(options=NEW)])
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert agent.keys == ["step/0.0/1/0", "step/0.0/1/1"]
    assert {call.model for call in agent.calls} == {"new"}
    assert replay(await again.records()).outcome == "identical"


async def test_a_vote_keeps_its_replies_where_the_settings_stay_as_they_are() -> None:
    is_there = False

    def script(call: AgentCall) -> str | Exception:
        lost = not is_there and call.key.endswith("/1")
        return fault(call, "settings") if lost else '{"n": 3}'

    first = await play(ScriptedAgent(script), config=VOTED, given=plan())
    paused(first, "settings")
    is_there = True
    agent = ScriptedAgent(script)
    await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert agent.keys == ["step/0.0/0/1"]
