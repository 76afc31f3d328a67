"""What another process asks of a run, its owner does: it alone writes to the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from fakes import RUN, FakeClock, ScriptedAgent, plan, step
from maker.core import events as e
from maker.core.models import AgentCall, RunId, TaskConfig
from maker.core.seams import Agent, StopRequest
from maker.core.state import RunState
from maker.engine import orchestrator as orchestrating
from maker.engine.orchestrator import Consent, Orchestrator, nobody
from maker.errors import AgentUnavailable, StoreTrouble
from maker.inspect.replay import replay
from maker.store.memory import MemoryStore
from maker.tools.registry import ToolRegistry

PAUSE = StopRequest(kind="pause", detail="lunch")
CANCEL = StopRequest(kind="cancel", detail="not needed")
TWO = plan(step(0, next_step_sequence_number=1), step(1))
VOTED = TaskConfig(instruction="Count.", voting_strategy="majority", voting_n=3)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orchestrating, "LISTEN_EVERY_S", 0.0)


class Session:
    """A run under way in this process, and its store."""

    def __init__(
        self,
        agent: Agent,
        *,
        config: TaskConfig = VOTED,
        given: object = TWO,
        store: MemoryStore | None = None,
        consent: Consent = nobody,
    ) -> None:
        self.store = store or MemoryStore()
        self.events: list[e.Event] = []
        self.orchestrator = Orchestrator(
            config,
            ToolRegistry.with_defaults(),
            store=self.store,
            agent=agent,
            clock=FakeClock(),
            run_id=RUN,
            consent=consent,
        )
        opening = (
            self.orchestrator.submission(),
            e.PlanCreated(plan=given, origin="user"),  # type: ignore[arg-type]
        )
        self.task = asyncio.create_task(self._consume(*opening))

    async def _consume(self, *opening: e.Event) -> None:
        async with contextlib.aclosing(self.orchestrator.run(*opening)) as events:
            async for event in events:
                self.events.append(event)

    async def end(self) -> e.Event:
        """The last event, once the session is over."""
        await asyncio.wait_for(self.task, 20)
        assert await self.store.stop_requests(RUN) == []
        assert replay(await self.store.load(RUN)).outcome == "identical"
        return self.events[-1]


class Gate:
    """An agent's script that waits for every call of step 0 to be let through."""

    def __init__(self) -> None:
        self.asked, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, call: AgentCall) -> str:
        self.asked.set()
        await self.opened.wait()
        return '{"n": 1}'


async def asked(session: Session, *requests: StopRequest) -> None:
    for request in requests:
        await session.store.ask_to_stop(RUN, request, "another process")
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_pause_lets_the_calls_under_way_be_finished_and_launches_no_other() -> None:
    gate = Gate()
    agent = ScriptedAgent(gate)
    session = Session(agent)
    await gate.asked.wait()
    await asked(session, PAUSE)
    assert not session.task.done()
    gate.opened.set()
    assert await session.end() == e.RunPaused(
        reason="user", detail="lunch", timestamp=session.events[-1].timestamp
    )
    assert len([event for event in session.events if isinstance(event, e.AgentReplied)]) == 2
    assert len(agent.calls) == 2, "what a majority needs was under way, and is kept"
    assert agent.under_way == 0


async def test_a_run_that_was_paused_so_goes_on_where_it_stopped() -> None:
    gate = Gate()
    session = Session(ScriptedAgent(gate))
    await gate.asked.wait()
    await asked(session, PAUSE)
    gate.opened.set()
    await session.end()
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    again = Orchestrator(
        VOTED,
        ToolRegistry.with_defaults(),
        store=session.store,
        agent=agent,
        clock=FakeClock(2e6),
        run_id=RUN,
        history=await session.store.load(RUN),
    )
    events = [event async for event in again.run(e.RunResumed())]
    assert isinstance(events[-1], e.TaskCompleted)
    assert {call.key for call in agent.calls} == {"step/1.0/0/0", "step/1.0/0/1"}


async def test_a_pause_does_not_wait_for_a_rate_limit_to_pass() -> None:
    waits = asyncio.Event()

    class Slow(FakeClock):
        async def sleep(self, seconds: float) -> None:
            waits.set()
            await asyncio.Event().wait()

    session = Session(ScriptedAgent(lambda call: AgentUnavailable("rate_limit", "too many")))
    session.orchestrator._asker._clock = Slow()
    await waits.wait()
    await asked(session, PAUSE)
    assert isinstance(last := await session.end(), e.RunPaused)
    assert last.reason == "user"


async def test_a_pause_takes_the_question_for_consent_back() -> None:
    asking, answered = asyncio.Event(), asyncio.Event()

    async def consent(state: RunState) -> Sequence[e.Event]:
        asking.set()
        try:
            await asyncio.Event().wait()
        finally:
            answered.set()
        return ()

    writing = plan(step(0, primary_tools=["Write"], primary_tool_instructions="Write it."))
    session = Session(ScriptedAgent(lambda call: "never"), given=writing, consent=consent)
    await asking.wait()
    await asked(session, PAUSE)
    assert isinstance(last := await session.end(), e.RunPaused)
    assert last.reason == "approval"
    assert answered.is_set()


async def test_a_cancellation_stops_the_calls_under_way_and_ends_the_run() -> None:
    gate = Gate()
    agent = ScriptedAgent(gate)
    session = Session(agent)
    await gate.asked.wait()
    await asked(session, CANCEL)
    assert isinstance(last := await session.end(), e.RunCancelled)
    assert last.detail == "not needed"
    assert agent.under_way == 0
    assert session.store.summaries[RUN].status == "cancelled"


async def test_a_cancellation_comes_through_while_a_pause_waits() -> None:
    gate = Gate()
    session = Session(ScriptedAgent(gate))
    await gate.asked.wait()
    await asked(session, PAUSE)
    await asked(session, CANCEL)
    assert isinstance(await session.end(), e.RunCancelled)


async def test_a_request_of_a_newer_maker_is_left_alone() -> None:
    gate = Gate()
    session = Session(ScriptedAgent(gate))
    await gate.asked.wait()
    await asked(session, StopRequest(kind="hibernate", detail=""))
    gate.opened.set()
    assert isinstance(await session.end(), e.TaskCompleted)


async def test_a_run_that_ends_first_ends_as_it_does() -> None:
    session = Session(ScriptedAgent(lambda call: '{"n": 1}'), given=plan())
    await session.task
    assert isinstance(session.events[-1], e.TaskCompleted)
    await session.store.ask_to_stop(RUN, CANCEL, "another process")
    assert session.orchestrator.state.status == "completed"


async def test_the_user_who_interrupts_a_run_that_is_being_cancelled_changes_nothing() -> None:
    gate, stopping, stopped = Gate(), asyncio.Event(), asyncio.Event()

    async def slow_to_stop(call: AgentCall) -> str:
        try:
            return await gate(call)
        except asyncio.CancelledError:
            stopping.set()
            await stopped.wait()
            raise

    session = Session(ScriptedAgent(slow_to_stop))
    await gate.asked.wait()
    await session.store.ask_to_stop(RUN, CANCEL, "another process")
    await stopping.wait()
    session.task.cancel()
    await asyncio.sleep(0)
    stopped.set()
    with contextlib.suppress(asyncio.CancelledError):
        await session.task
    types = [record.type for record in await session.store.load(RUN)]
    assert (types.count("RunCancelled"), types[-1]) == (1, "RunCancelled")


async def test_a_store_in_trouble_does_not_keep_the_run_from_going_on() -> None:
    class Troubled(MemoryStore):
        asked = 0

        async def stop_requests(self, run: RunId) -> list[StopRequest]:
            self.asked += 1
            raise StoreTrouble("the database is locked")

    gate, store = Gate(), Troubled()
    session = Session(ScriptedAgent(gate), store=store)
    await gate.asked.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.wait_for(session.task, 20)
    assert isinstance(session.events[-1], e.TaskCompleted)
    assert store.asked > 1
