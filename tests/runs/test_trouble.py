"""A store that is locked, full or failing: no call begins, what landed is kept, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from fakes import RUN, FakeClock, ScriptedAgent, config, plan, registry, step
from maker import app
from maker.core import events as e
from maker.core.models import AgentCall, RunId, RunSummary
from maker.core.seams import Record, Snapshot
from maker.engine.claim import Claim
from maker.engine.log import EventLog
from maker.engine.orchestrator import Orchestrator
from maker.errors import MakerError, RescueRefused, RunBusy, StoreError, StoreTrouble
from maker.store import rescue
from maker.store.memory import MemoryStore

LIST = plan(
    step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
    step(1, for_each="step_0_output.files"),
)
ITEMS = 6
LOCKED = StoreTrouble("the database is locked by another process")
Fault = Callable[["BrokenStore"], Exception | None]


def answer(call: AgentCall) -> str:
    if call.key.startswith("step/0"):
        return '{"files": ["a", "b", "c", "d", "e", "f"]}'
    return '{"n": 1}'


class BrokenStore(MemoryStore):
    """Fails as `fault` says, once it holds the reply about the first item; notes what is asked."""

    def __init__(self, *folders: Path) -> None:
        super().__init__()
        self.folders = folders
        self.fault: Fault = lambda store: None
        self.log: list[str] = []
        self.failed = asyncio.Event()

    @property
    def rescue_folders(self) -> tuple[Path, ...]:
        return self.folders

    @property
    def failures(self) -> int:
        return self.log.count("failed")

    async def append(
        self,
        run: RunId,
        records: Sequence[Record],
        blobs: Mapping[str, bytes],
        summary: RunSummary,
        snapshot: Snapshot | None = None,
    ) -> None:
        if any(b'"step/1.' in record.payload for record in records):
            self._fail()
        self.log.append("append")
        await super().append(run, records, blobs, summary, snapshot)

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        if self.failures:
            self._fail()
        self.log.append("acquire")
        return await super().acquire(run, owner, now, ttl_s)

    def _fail(self) -> None:
        error = self.fault(self)
        if error is not None:
            self.log.append("failed")
            self.failed.set()
            raise error

    def replied(self) -> list[str]:
        events = [e.decode(record.payload) for record in self._logs[RUN]]
        return [event.key for event in events if isinstance(event, e.AgentReplied)]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def failing(times: int, error: Exception = LOCKED) -> Fault:
    """So many failures, then none."""
    return lambda store: error if store.failures < times else None


class Try:
    """One session on a store that breaks."""

    def __init__(self, store: BrokenStore, fault: Fault, **settings: object) -> None:
        self.store, self.clock = store, FakeClock()
        self.said: list[str] = []
        self.agent = ScriptedAgent(answer)
        store.fault = fault
        settings = {"samples_at_once": 2, **settings}
        self.made = Orchestrator(
            config(**settings),
            registry(),
            store=store,
            agent=self.agent,
            clock=self.clock,
            run_id=RUN,
            tell=self.said.append,
        )

    async def run(self) -> list[e.Event]:
        opening = (self.made.submission(), e.PlanCreated(plan=LIST, origin="user"))
        async with contextlib.aclosing(self.made.run(*opening)) as events:
            return [event async for event in events]


async def resumed(store: BrokenStore, monkeypatch: pytest.MonkeyPatch) -> ScriptedAgent:
    """Go on with the run, and give the agent that was asked what was missing."""
    agent = ScriptedAgent(answer)
    monkeypatch.setattr(app, "agent_for", lambda config, registry, clock: agent)
    store.fault = lambda store: None
    session = await app.resume(RUN, store=store)
    assert session is not None
    async for _ in session.run():
        pass
    assert session.orchestrator.state.status == "completed"
    return agent


async def test_replies_that_land_in_trouble_are_stored_after_it_and_no_call_begins_in_it() -> None:
    asked: list[int] = []

    def fault(store: BrokenStore) -> Exception | None:
        asked.append(len(run.agent.calls))
        return LOCKED if store.failures < 20 else None

    run = Try(BrokenStore(), fault)
    events = await run.run()
    assert isinstance(events[-1], e.TaskCompleted)
    assert len(set(asked[1:21])) == 1, "calls began while the store was in trouble"
    assert len(run.agent.calls) == len(run.store.replied()) == 1 + ITEMS


async def test_trouble_is_told_with_the_number_of_events_that_wait_and_told_when_over() -> None:
    run = Try(BrokenStore(), failing(40))
    await run.run()
    first, *repeated, last = run.said
    assert "locked by another process; " in first
    assert "events wait to be stored, and no call is started" in first
    assert repeated
    assert all("events wait to be stored" in line for line in repeated)
    assert "can be written again, after 8" in last


@pytest.mark.parametrize("error", [LOCKED, StoreTrouble("the disk is full")])
async def test_after_trouble_the_lease_is_renewed_before_anything_is_appended(
    error: StoreTrouble,
) -> None:
    run = Try(BrokenStore(), failing(3, error))
    await run.run()
    after = run.store.log[len(run.store.log) - run.store.log[::-1].index("failed") :]
    assert after[:2] == ["acquire", "append"]


async def test_trouble_at_the_renewal_of_the_lease_is_not_the_loss_of_it() -> None:
    run = Try(BrokenStore(), lambda store: None)
    acquire, tries = run.store.acquire, []

    async def troubled(*arguments: object) -> None:
        tries.append(len(run.agent.calls))
        if 1 < len(tries) < 9:
            raise LOCKED
        await acquire(*arguments)  # type: ignore[arg-type]

    def script(call: AgentCall) -> str:
        if call.key == "step/1.1/0/0":
            run.made._log.writer.renew()
        return answer(call)

    run.store.acquire = troubled  # type: ignore[method-assign,assignment]
    run.agent._script = script
    await run.run()
    assert run.made.state.status == "completed"
    assert len(tries) == 9
    assert len(set(tries[2:])) == 1, "calls began while the store was in trouble"


async def test_when_patience_is_at_an_end_a_rescue_file_holds_what_was_bought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6), patience_s=60.0)
    with pytest.raises(StoreTrouble, match="locked"):
        await run.run()
    assert 55 <= run.clock.time - 1_000_000 <= 70
    (path,) = files(tmp_path)
    assert str(path) in run.said[-1]
    assert f"maker resume {RUN}" in run.said[-1]
    again = await resumed(run.store, monkeypatch)
    assert set(run.agent.keys) & set(again.keys) == set()
    assert len(run.store.replied()) == len(set(run.store.replied())) == 1 + ITEMS
    assert files(tmp_path) == []


@pytest.mark.parametrize("error", [StoreError("moved while in use"), OSError("no such thing")])
async def test_an_error_that_does_not_pass_leaves_a_rescue_file_at_once(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6, error))
    with pytest.raises(type(error)):
        await run.run()
    assert run.clock.waits == []
    again = await resumed(run.store, monkeypatch)
    assert set(run.agent.keys) & set(again.keys) == set()


async def test_whoever_leaves_during_trouble_leaves_a_rescue_file_and_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6), patience_s=1e9)
    session = asyncio.ensure_future(run.run())
    await run.store.failed.wait()
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert run.made.state.status == "paused"
    assert run.made.stored < run.made.head
    again = await resumed(run.store, monkeypatch)
    assert set(run.agent.keys) & set(again.keys) == set()


async def test_calls_under_way_when_patience_ends_are_stopped_and_counted(
    tmp_path: Path,
) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6), patience_s=60.0)

    async def hang(call: AgentCall) -> str:
        if call.key == "step/1.1/0/0":
            await asyncio.Event().wait()
        return answer(call)

    run.agent._script = hang
    with pytest.raises(StoreTrouble):
        await run.run()
    assert run.agent.under_way == 0


async def rival(store: BrokenStore, clock: FakeClock, *events: e.Event) -> None:
    """Another session that takes the run over once its lease has run out."""
    clock.time += 60
    fault, store.fault = store.fault, lambda store: None
    log = EventLog(Claim(RUN, store, clock), await store.load(RUN))
    await log.writer.open()
    for event in events:
        log.append(event)
    await log.writer.durable()
    store.fault = fault


@pytest.mark.parametrize("going_on", [(), (e.RunResumed(),)])
async def test_a_writer_that_was_overtaken_in_trouble_leaves_a_file_that_follows_or_is_refused(
    going_on: tuple[e.Event, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(tmp_path), failing(3))
    session = asyncio.ensure_future(run.run())
    await run.store.failed.wait()
    await rival(run.store, run.clock, *going_on)
    with pytest.raises(RunBusy):
        await session
    assert len(files(tmp_path)) == 1
    run.store._leases.clear()
    if going_on:
        with pytest.raises(RescueRefused, match="somebody else went on"):
            await resumed(run.store, monkeypatch)
        assert len(files(tmp_path)) == 1
    else:
        again = await resumed(run.store, monkeypatch)
        assert set(run.agent.keys) & set(again.keys) == set()


async def test_a_writer_that_wakes_up_overtaken_does_not_write_between_the_events_of_the_other(
    tmp_path: Path,
) -> None:
    run = Try(BrokenStore(tmp_path), lambda store: None)

    async def script(call: AgentCall) -> str:
        if call.key == "step/1.1/0/0":
            await rival(run.store, run.clock)
        return answer(call)

    run.agent._script = script
    with pytest.raises(RunBusy):
        await run.run()
    assert "step/1.1/0/0" in run.agent.keys
    assert "step/1.1/0/0" not in run.store.replied()
    assert len(files(tmp_path)) == 1


async def test_a_commit_that_succeeded_unheard_is_not_made_twice() -> None:
    run = Try(BrokenStore(), lambda store: None)
    append = run.store.append

    async def unheard(*arguments: object) -> None:
        await append(*arguments)  # type: ignore[arg-type]
        if len(run.agent.calls) == 3 and not run.said:
            raise StoreTrouble("the connection was lost")

    run.store.append = unheard  # type: ignore[method-assign,assignment]
    events = await run.run()
    log = [e.decode(record.payload) for record in await run.store.load(RUN)]
    assert run.said
    assert events == log
    assert len(run.store.replied()) == 1 + ITEMS


async def test_events_that_cost_nothing_to_have_again_leave_no_file(tmp_path: Path) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6, StoreError("moved")))
    run.store._fail = lambda: None  # type: ignore[method-assign]
    await run.run()
    made = Orchestrator(
        config(), registry(), store=run.store, run_id=RUN, history=(await run.store.load(RUN))[:4]
    )
    with pytest.raises(MakerError, match="ends elsewhere"):
        async for _ in made.run(e.RunResumed()):
            pass
    assert files(tmp_path) == []


async def test_where_no_folder_takes_a_rescue_file_the_loss_is_told(tmp_path: Path) -> None:
    run = Try(BrokenStore(tmp_path / "nowhere"), failing(10**6), patience_s=0.0)
    with pytest.raises(StoreTrouble):
        await run.run()
    assert "no folder takes a rescue file" in run.said[-1]
    assert "lost" in run.said[-1]


async def test_a_rescue_file_with_the_end_of_a_run_only_needs_to_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(), lambda store: None)
    await run.run()
    records = await run.store.load(RUN)
    store = BrokenStore(tmp_path)
    await store.append(RUN, records[:5], {}, run.store.summaries[RUN])
    rescue.write([tmp_path], RUN, records[5:], run.store._blobs)
    again = await resumed(store, monkeypatch)
    assert again.calls == []
    assert await store.load(RUN) == records
    assert files(tmp_path) == []


async def test_a_session_that_fails_again_keeps_what_it_took_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Try(BrokenStore(tmp_path), failing(10**6), patience_s=10.0)
    with pytest.raises(StoreTrouble):
        await run.run()
    agent = ScriptedAgent(answer)
    monkeypatch.setattr(app, "agent_for", lambda config, registry, clock: agent)
    run.store.fault, run.store.log = failing(10**6, StoreError("moved")), []
    session = await app.resume(RUN, store=run.store)
    assert session is not None
    with pytest.raises(StoreError, match="moved"):
        async for _ in session.run():
            pass
    assert len(files(tmp_path)) == 2
    again = await resumed(run.store, monkeypatch)
    assert set(run.agent.keys) & {*agent.keys, *again.keys} == set()
    assert files(tmp_path) == []
