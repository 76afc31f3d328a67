"""What ends a session from outside: a lost lease, a cancel at the worst moment, a quitter."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fakes import RUN, FakeClock, ScriptedAgent, plan, play, registry, step
from maker.core import events as e
from maker.core import orchestrator as orchestrating
from maker.core.models import AgentCall, RunId, TaskConfig
from maker.core.orchestrator import Orchestrator
from maker.core.state import summary
from maker.errors import MakerError, RunBusy
from maker.store.memory import MemoryStore

CONFIG = TaskConfig(instruction="Count the words.", samples_at_once=1)
LIST = plan(
    step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
    step(1, for_each="step_0_output.files"),
)


def orchestrator(agent: ScriptedAgent, store: MemoryStore, **options: object) -> Orchestrator:
    return Orchestrator(
        CONFIG, registry(), store=store, agent=agent, clock=FakeClock(), run_id=RUN, **options
    )  # type: ignore[arg-type]


async def consume(made: Orchestrator, *opening: e.Event) -> None:
    async with contextlib.aclosing(made.run(*opening)) as events:
        async for _ in events:
            pass


async def test_who_loses_the_lease_stops_its_agents_at_once() -> None:
    asked = asyncio.Event()

    async def hang(call: AgentCall) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    agent = ScriptedAgent(hang)
    made = orchestrator(agent, MemoryStore())
    opening = (made.submission(), e.PlanCreated(plan=plan(), origin="user"))
    session = asyncio.create_task(consume(made, *opening))
    await asked.wait()
    made._log.fail(RunBusy("another process has the run"))
    with pytest.raises(RunBusy):
        await asyncio.wait_for(session, 5)
    assert agent.under_way == 0


async def test_who_loses_the_lease_does_not_launch_what_still_waited() -> None:
    def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return '{"files": ["a", "b", "c"]}'
        made._log.fail(RunBusy("another process has the run"))
        return '{"n": 1}'

    agent = ScriptedAgent(script)
    made = orchestrator(agent, MemoryStore())
    opening = (made.submission(), e.PlanCreated(plan=LIST, origin="user"))
    with pytest.raises(RunBusy):
        await consume(made, *opening)
    assert agent.keys == ["step/0.0/0/0", "step/1.0/0/0"]


class SlowLease(MemoryStore):
    """A store whose lease takes a while to get."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.given = asyncio.Event(), asyncio.Event()

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> None:
        self.asked.set()
        await self.given.wait()
        await super().acquire(run, owner, now, ttl_s)


async def test_a_cancel_before_the_lease_is_ours_leaves_the_log_to_its_owner() -> None:
    whole = await play(lambda call: '{"n": 1}', given=plan())
    history = (await whole.records())[:3]
    store = SlowLease()
    made = orchestrator(ScriptedAgent(lambda call: ""), store, history=history)
    await store.append(RUN, history, {}, summary(made.state))
    session = asyncio.create_task(consume(made, e.RunResumed()))
    await store.asked.wait()
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert len(await store.load(RUN)) == len(history)


async def test_an_agent_that_gives_up_by_itself_is_not_taken_for_an_interruption() -> None:
    async def quit_at_once(call: AgentCall) -> str:
        raise asyncio.CancelledError

    store = MemoryStore()
    made = orchestrator(ScriptedAgent(quit_at_once), store)
    opening = (made.submission(), e.PlanCreated(plan=plan(), origin="user"))
    with pytest.raises(MakerError, match=r"step/0\.0/0/0"):
        await consume(made, *opening)
    assert store.summaries[RUN].status == "running", "it shows as crashed, and can be resumed"


@pytest.mark.parametrize("error", [RunBusy("taken"), OSError("the disk is gone")])
async def test_a_lease_that_cannot_be_renewed_ends_the_session_whatever_the_reason(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LostLease(MemoryStore):
        """A store that gives a lease once."""

        given = 0

        async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> None:
            self.given += 1
            if self.given > 1:
                raise error
            await super().acquire(run, owner, now, ttl_s)

    async def hang(call: AgentCall) -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(orchestrating, "LEASE_S", 0.01)
    agent = ScriptedAgent(hang)
    with pytest.raises(type(error)):
        await asyncio.wait_for(consume(orchestrator(agent, LostLease())), 5)
    assert agent.under_way == 0
