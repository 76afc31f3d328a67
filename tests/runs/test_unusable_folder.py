"""A folder that no rule can confine a writing agent to is found out before the first step."""

from __future__ import annotations

import pytest

from fakes import WRITING_PLAN, ScriptedAgent, config, plan, play, step
from maker.core import events as e

FOLDERS = ["/srv/web [id]", "/srv/*", "/srv/notes ", "/srv/a /b", "/"]


@pytest.mark.parametrize("folder", FOLDERS)
async def test_a_plan_that_writes_there_pauses_before_consent_and_before_any_step(
    folder: str,
) -> None:
    async def asked(state: object) -> list[e.Event]:
        raise AssertionError("nobody needs to agree to what cannot be done")

    agent = ScriptedAgent(lambda call: WRITING_PLAN)
    session = await play(agent, config=config(cwd=folder), consent=asked)
    paused = session.events[-1]
    assert isinstance(paused, e.RunPaused)
    assert paused.reason == "settings"
    assert folder in paused.detail
    assert "--cwd" in paused.detail
    assert agent.keys == ["plan/0"]


async def test_with_another_folder_the_same_plan_goes_on() -> None:
    first = await play(lambda call: WRITING_PLAN, config=config(cwd="/srv/web [id]"))
    options = {"cwd": "/srv/web", "allow": ["write"]}
    rest = await play(
        lambda call: '{"path": "notes.txt"}',
        history=await first.records(),
        opening=[e.RunResumed(options=options)],
    )
    assert isinstance(rest.events[-1], e.TaskCompleted)


@pytest.mark.parametrize(
    ("tool", "settings"),
    [("Read", {}), ("Write", {"agent": "simulated", "allow": ["write"]}), ("Bash", {})],
)
async def test_what_is_not_confined_there_is_not_refused(
    tool: str, settings: dict[str, object]
) -> None:
    settings = {"cwd": "/srv/web [id]", "allow": ["bash"], **settings}
    session = await play(
        lambda call: '{"n": 1}',
        config=config(**settings),
        given=plan(step(primary_tools=[tool])),
    )
    assert isinstance(session.events[-1], e.TaskCompleted)
