"""One door: library and command line start, go on with and stop a run by the same functions."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

import maker
from fakes import FakeClock, ScriptedAgent, plan, step
from maker import MemoryStore, SqlStore, TaskConfig, app, cancel_task, events, load_run, pause_task
from maker.cli.main import main
from maker.core import fold
from maker.core.models import RunId
from maker.core.state import RunState
from maker.errors import ConfigError, RunNotFound

RUN = RunId(str(uuid.UUID(int=7)))
SIMULATED = TaskConfig(instruction="Count things.", agent="simulated")
CAPPED = TaskConfig(instruction="Count things.", agent="simulated", max_samples=1)
WRITING = plan(step(0, primary_tools=["Write"]))


async def listed(stream: AsyncGenerator[events.Event, None]) -> list[events.Event]:
    return [event async for event in stream]


async def refusing(state: RunState) -> Sequence[events.Event]:
    return [events.RunCancelled(detail="not this one")]


async def test_the_library_takes_a_plan_an_agent_and_a_clock() -> None:
    agent, clock = ScriptedAgent(lambda call: '{"n": 3}'), FakeClock()
    log = await listed(
        maker.run_task(SIMULATED, store=MemoryStore(), plan=plan(step(0)), agent=agent, clock=clock)
    )
    planned = next(event for event in log if isinstance(event, events.PlanCreated))
    assert planned.origin == "user"
    assert isinstance(log[-1], events.TaskCompleted)
    assert {call.role for call in agent.calls} == {"step"}
    assert log[0].timestamp < 2e9


async def test_the_library_is_asked_for_consent(tmp_path: Path) -> None:
    config = TaskConfig(instruction="Write it.", agent="simulated", cwd=str(tmp_path))
    store = MemoryStore()
    unwatched = await listed(maker.run_task(config, store=store, plan=WRITING))
    assert isinstance(unwatched[-1], events.RunPaused)
    assert unwatched[-1].reason == "approval"
    asked = await listed(maker.run_task(config, store=store, plan=WRITING, consent=refusing))
    assert isinstance(asked[-1], events.RunCancelled)


async def test_a_resume_takes_what_a_start_takes() -> None:
    store, agent = MemoryStore(), ScriptedAgent(lambda call: '{"n": 3}')
    await listed(maker.run_task(CAPPED, store=store, run_id=RUN))
    more = {"max_samples": None}
    log = await listed(
        maker.resume_task(RUN, options=more, plan=plan(step(0)), store=store, agent=agent)
    )
    assert [type(event) for event in log[:2]] == [events.RunResumed, events.PlanCreated]
    assert isinstance(log[-1], events.TaskCompleted)
    assert [call.role for call in agent.calls] == ["step"]


async def test_a_stored_run_is_loaded_with_its_state() -> None:
    store = MemoryStore()
    log = await listed(maker.run_task(SIMULATED, store=store, run_id=RUN))
    loaded = await load_run(RUN, store)
    assert list(loaded.events) == log
    assert loaded.state.status == "completed"
    with pytest.raises(RunNotFound):
        await load_run(str(uuid.UUID(int=8)), store)


async def test_a_run_that_nobody_works_on_is_cancelled_at_once_and_only_once() -> None:
    store = MemoryStore()
    await listed(maker.run_task(CAPPED, store=store, run_id=RUN))
    assert await cancel_task(RUN, "no need", store=store)
    assert (await load_run(RUN, store)).events[-1] == events.RunCancelled(
        detail="no need", timestamp=(await store.load(RUN))[-1].timestamp
    )
    with pytest.raises(ConfigError, match="it is cancelled"):
        await cancel_task(RUN, store=store)


@pytest.mark.parametrize("kind", ["pause", "cancel"])
async def test_of_a_run_that_is_worked_on_the_owner_is_asked(kind: str) -> None:
    store = MemoryStore()
    await listed(maker.run_task(CAPPED, store=store, run_id=RUN))
    await store.acquire(RUN, "elsewhere:1:x", 4e9, 3600.0)
    if kind == "pause":
        await pause_task(RUN, "lunch", store=store)
    else:
        assert not await cancel_task(RUN, "lunch", store=store)
    (request,) = await store.stop_requests(RUN)
    assert (request.kind, request.detail) == (kind, "lunch")


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each event was folded, by its encoding."""
    counts: Counter[str] = Counter()
    keep_time = fold._keep_time

    def counted(state: RunState, event: events.Event) -> None:
        counts[repr(event)] += 1
        keep_time(state, event)

    monkeypatch.setattr(fold, "_keep_time", counted)
    return counts


async def test_the_library_folds_a_history_once_on_resume(folds: Counter[str]) -> None:
    store = MemoryStore()
    await listed(maker.run_task(CAPPED, store=store, run_id=RUN))
    folds.clear()
    await listed(maker.resume_task(RUN, options={"max_samples": None}, store=store))
    assert set(folds.values()) == {1}
    assert len(folds) == len(await store.load(RUN))


def test_the_command_line_folds_a_history_once_on_resume(
    folds: Counter[str], tmp_path: Path
) -> None:
    where = ["--db", str(tmp_path / "maker.db")]
    assert main(["run", "Count.", "--agent", "simulated", "--max-samples", "1", *where]) == 5
    folds.clear()
    assert main(["resume", "@last", "--max-samples", "none", "--allow", "write", *where]) == 0
    assert set(folds.values()) == {1}


async def test_what_a_resume_changes_may_depend_on_the_run(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "maker.db")
    await listed(maker.run_task(CAPPED, store=store, run_id=RUN))

    def one_more(state: RunState) -> app.Changes:
        assert state.settings.max_samples == 1
        return app.Changes(options={"max_samples": state.settings.max_samples + 1})

    session = await app.resume(RUN, one_more, store=store)
    assert session is not None
    resumed, *_ = await listed(session.run())
    assert isinstance(resumed, events.RunResumed)
    assert resumed == events.RunResumed(
        options={"max_samples": 2}, rules=resumed.rules, timestamp=resumed.timestamp
    )
    await store.close()
