"""What ends a session from outside: a lost lease, a cancel at the worst moment, a quitter."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fakes import RUN, FakeClock, ScriptedAgent, plan, play, registry, step
from maker.core import events as e
from maker.core.models import AgentCall, RunId, TaskConfig
from maker.core.state import summary
from maker.engine.claim import Claim
from maker.engine.log import EventLog
from maker.engine.orchestrator import Orchestrator
from maker.errors import ConcurrentAppend, MakerError, RunBusy
from maker.store.memory import MemoryStore

CONFIG = TaskConfig(instruction="Count the words.", samples_at_once=1)
LIST = plan(
    step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
    step(1, for_each="step_0_output.files"),
)


def orchestrator(agent: ScriptedAgent, store: MemoryStore, **options: object) -> Orchestrator:
    options = {"clock": FakeClock(), **options}
    return Orchestrator(CONFIG, registry(), store=store, agent=agent, run_id=RUN, **options)  # type: ignore[arg-type]


async def consume(made: Orchestrator, *opening: e.Event) -> None:
    async with contextlib.aclosing(made.run(*opening)) as events:
        async for _ in events:
            pass


class LosingLease(MemoryStore):
    """A store whose lease is lost: whoever renews it is refused."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error, self._given = error, False

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        if self._given:
            raise self._error
        self._given = True
        return ""


async def test_who_loses_the_lease_stops_its_agents_at_once() -> None:
    asked = asyncio.Event()

    async def hang(call: AgentCall) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    agent = ScriptedAgent(hang)
    made = orchestrator(agent, LosingLease(RunBusy("another process has the run")))
    opening = (made.submission(), e.PlanCreated(plan=plan(), origin="user"))
    session = asyncio.create_task(consume(made, *opening))
    await asked.wait()
    made._log.writer.renew()
    with pytest.raises(RunBusy):
        await asyncio.wait_for(session, 5)
    assert agent.under_way == 0


async def test_who_was_overtaken_while_the_machine_slept_asks_nothing_more() -> None:
    clock = FakeClock()

    def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return '{"files": ["a", "b", "c"]}'
        clock.time += 31.0
        return '{"n": 1}'

    agent = ScriptedAgent(script)
    made = orchestrator(agent, LosingLease(RunBusy("another process has the run")), clock=clock)
    opening = (made.submission(), e.PlanCreated(plan=LIST, origin="user"))
    with pytest.raises(RunBusy):
        await consume(made, *opening)
    assert agent.keys == ["step/0.0/0/0", "step/1.0/0/0"]


async def test_a_writer_that_another_came_by_asks_nothing_more_though_the_lease_is_free() -> None:
    clock, store = FakeClock(), MemoryStore()

    async def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return '{"files": ["a", "b", "c"]}'
        clock.time += 31.0
        rival = EventLog(Claim(RUN, store, clock), await store.load(RUN))
        await rival.writer.open()
        rival.append(e.RunResumed())
        await rival.writer.close()
        return '{"n": 1}'

    agent = ScriptedAgent(script)
    made = orchestrator(agent, store, clock=clock)
    opening = (made.submission(), e.PlanCreated(plan=LIST, origin="user"))
    with pytest.raises(ConcurrentAppend):
        await consume(made, *opening)
    assert agent.keys == ["step/0.0/0/0", "step/1.0/0/0"]


async def test_a_lease_that_ran_out_unnoticed_is_renewed_before_the_next_call() -> None:
    clock, store = FakeClock(), MemoryStore()

    def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            clock.time += 31.0
            return '{"files": ["a", "b"]}'
        assert store._leases[RUN].expires_at > clock.now() + 29
        return '{"n": 1}'

    made = orchestrator(ScriptedAgent(script), store, clock=clock)
    await consume(made, made.submission(), e.PlanCreated(plan=LIST, origin="user"))
    assert made.state.status == "completed"


class SlowLease(MemoryStore):
    """A store whose lease takes a while to get."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.given = asyncio.Event(), asyncio.Event()

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        self.asked.set()
        await self.given.wait()
        return await super().acquire(run, owner, now, ttl_s)


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
    async def hang(call: AgentCall) -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(Claim, "lease_s", 0.01)
    agent = ScriptedAgent(hang)
    with pytest.raises(type(error)):
        await asyncio.wait_for(consume(orchestrator(agent, LosingLease(error))), 5)
    assert agent.under_way == 0
