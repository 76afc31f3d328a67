"""A resume ends what the agents of a dead process left running, and says so."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from fakes import RUN, ScriptedAgent, config, plan, registry
from maker.agents import processes
from maker.core import events as e
from maker.core.models import AgentCall
from maker.engine.claim import session_of
from maker.engine.orchestrator import Orchestrator
from maker.store.lease import this_process
from maker.store.memory import MemoryStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


def dead_owner() -> str:
    """A process of this host that is gone, as its lease would name it."""
    code = "from maker.store.lease import this_process; print(this_process('s'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return shown.stdout.strip()


async def told_by_a_session_after(owner: str) -> tuple[list[str], list[AgentCall]]:
    """What a session says that takes the run's lease from this owner, and what it asked."""
    told: list[str] = []
    store, agent = MemoryStore(), ScriptedAgent(lambda call: '{"n": 1}')
    await store.acquire(RUN, owner, 0.0, 30.0)
    made = Orchestrator(
        config(), registry(), store=store, agent=agent, run_id=RUN, tell=told.append
    )
    opening = (made.submission(), e.PlanCreated(plan=plan(), origin="user"))
    async for _ in made.run(*opening):
        pass
    return told, agent.calls


@pytest.mark.parametrize("is_dead", [True, False])
async def test_what_a_dead_session_left_is_ended_and_that_of_a_living_one_is_not(
    is_dead: bool,
) -> None:
    owner = dead_owner() if is_dead else this_process("hangs")
    marks = processes.mark("a", session_of(RUN, owner))
    left = await asyncio.create_subprocess_exec("sleep", "603", env={**os.environ, **marks})
    told, _ = await told_by_a_session_after(owner)
    assert [line.endswith("sleep 603") for line in told] == [True] * is_dead
    if not is_dead:
        assert left.returncode is None
        left.kill()
    assert await left.wait() < 0


async def test_calls_say_whose_their_processes_are() -> None:
    _, (call,) = await told_by_a_session_after("elsewhere:1:x")
    run, _, owner = call.session.partition(" ")
    assert run == RUN
    assert owner.startswith(f"{this_process()}:")
