"""What the planner may look with before it plans."""

from __future__ import annotations

import json

import msgspec
import pytest

from fakes import PLAN_TEXT, ScriptedAgent, config, play
from maker.core import events as e
from maker.core.models import AgentCall
from maker.errors import ConfigError


async def planners_call(**settings: object) -> AgentCall:
    agent = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 1}')
    await play(agent, config=config(**settings))
    return agent.calls[0]


@pytest.mark.parametrize(
    ("settings", "tools"),
    [
        ({}, ["Read", "Grep", "Glob"]),
        ({"planner_tools": []}, []),
        ({"planner_tools": ["Glob"]}, ["Glob"]),
        ({"allowed_builtin_tools": ["Read", "Edit"]}, ["Read"]),
        ({"agent": "simulated"}, []),
    ],
)
async def test_it_looks_with_what_it_was_given_and_is_told_so(
    settings: dict[str, object], tools: list[str]
) -> None:
    call = await planners_call(**settings)
    assert call.tools == tools
    assert ("Before you plan you may look around" in call.prompt) is bool(tools)
    assert all(tool in call.prompt for tool in tools)


async def test_it_is_held_to_the_folders_of_the_run() -> None:
    call = await planners_call(
        instruction="Sum up /data/notes.txt.", cwd="/work", add_dirs=["/more"]
    )
    assert (call.cwd, call.add_dirs, call.literal_paths) == (
        "/work",
        ["/more"],
        ["/data/notes.txt"],
    )
    assert call.effect == "read"


def test_a_tool_that_changes_something_is_no_planners_tool() -> None:
    with pytest.raises(ConfigError, match="planner_tools"):
        config(planner_tools=["Bash"])


async def test_in_a_log_without_the_setting_the_planner_could_not_look() -> None:
    agent = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 1}')
    run = await play(agent, config=config())
    first = (await run.records())[0]
    document = json.loads(first.payload)
    del document["config"]["planner_tools"]
    submitted = e.decode(json.dumps(document))
    assert isinstance(submitted, e.TaskSubmitted)
    payload = e.encode(submitted)
    record = msgspec.structs.replace(first, payload=payload, hash=e.chain(e.GENESIS, payload))
    again = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 1}')
    await play(again, history=[record], opening=[e.RunResumed()])
    assert again.calls[0].tools == []
