"""What a resume after a pause makes of the calls that were open, and of new settings."""

from __future__ import annotations

import msgspec
import pytest

from fakes import Play, ScriptedAgent, plan, play, step
from maker.core import events as e
from maker.core.models import AgentCall, CallKey, TaskConfig
from maker.core.requests import request_hash
from maker.errors import AgentNotReady, AgentUnavailable, ConfigError, ModelNotFound
from maker.inspect.replay import replay

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


async def test_a_vote_goes_on_where_its_folder_has_moved_to() -> None:
    """What says where takes effect at once, and the votes that were paid for stay."""

    def script(call: AgentCall) -> str | Exception:
        lost = call.cwd == "/gone" and call.key.endswith("/1")
        return fault(call, "settings") if lost else '{"n": 3}'

    first = await play(ScriptedAgent(script), config=VOTED, given=plan())
    paused(first, "settings")
    agent = ScriptedAgent(script)
    moved = e.RunResumed(options={"cwd": "/here"}, rules=2)
    again = await play(agent, history=await first.records(), opening=[moved])
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert agent.keys == ["step/0.0/0/1"]
    assert replay(await again.records()).outcome == "identical"


def test_the_folder_in_a_prompt_is_no_part_of_what_was_asked() -> None:
    def call(folder: str) -> AgentCall:
        return AgentCall(
            key=CallKey("step/0.0/0/0"),
            role="step",
            system_prompt="",
            prompt=f"The working folder is {folder}; look at {folder}/docs and {folder}-more.",
            model="m",
            prompt_version="1",
            cwd=folder,
            add_dirs=[f"{folder}-more"],
        )

    assert request_hash(call("/a/b")) == request_hash(call("/c"))
    assert request_hash(call("/a/b"), rules=1) != request_hash(call("/c"), rules=1)


async def test_a_vote_that_was_given_up_is_no_failed_try() -> None:
    def script(call: AgentCall) -> str | Exception:
        if call.key.startswith("step/0.0/0"):
            return "{}"
        lost = call.model == "gone" and call.key.endswith("/1")
        return fault(call, "model") if lost else '{"n": 3}'

    config = msgspec.structs.replace(VOTED, step_max_retries=1)
    first = await play(ScriptedAgent(script), config=config, given=plan())
    paused(first, "model")
    again = await play(
        ScriptedAgent(script), history=await first.records(), opening=[e.RunResumed(options=NEW)]
    )
    assert isinstance(again.events[-1], e.TaskCompleted), again.events[-1]


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


WRITE = plan(step(0, primary_tools=["Write"]))
MAY_WRITE = TaskConfig(instruction="Write.", allow=["write"])


@pytest.mark.parametrize("kind", ["login", "rate_limit", "settings"])
async def test_a_step_with_effects_goes_on_by_itself_after_a_pause_in_good_order(kind: str) -> None:
    faults: dict[str, Exception] = {
        "login": AgentNotReady("login", "not logged in"),
        "rate_limit": AgentUnavailable("rate_limit", "slow down", retry_after_s=86_400.0),
        "settings": ConfigError("the working folder does not exist", field="cwd"),
    }
    first = await play(lambda call: faults[kind], config=MAY_WRITE, given=WRITE)
    paused(first, kind)
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    again = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert replay(await again.records()).outcome == "identical"


async def test_what_a_crash_left_unknown_stays_unknown_over_pauses_in_good_order() -> None:
    whole = await play(lambda call: '{"n": 3}', config=MAY_WRITE, given=WRITE)
    records = await whole.records()
    started = [record.type for record in records].index("StepStarted") + 1
    silent = ScriptedAgent(lambda call: AgentNotReady("login", "not logged in"))
    asked = await play(silent, history=records[:started], opening=[e.RunResumed()])
    paused(asked, "ambiguous")
    retried = await play(
        silent,
        history=await asked.records(),
        opening=[e.RunResumed(options={"on_ambiguous": "retry"})],
    )
    paused(retried, "login")
    again = await play(
        silent,
        history=await retried.records(),
        opening=[e.RunResumed(options={"on_ambiguous": "ask"})],
    )
    paused(again, "ambiguous")
