"""Following a run: all of its events, those to come as they are stored, and an end."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from fakes import RUN, FakeClock, play
from maker.agents import hanoi
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core.models import RunId, RunSummary
from maker.core.seams import Record
from maker.core.state import summary
from maker.demo.experiment import experiment_config
from maker.engine.opening import opened
from maker.errors import RunNotFound
from maker.store import following
from maker.store.following import followed
from maker.store.lease import this_process
from maker.store.memory import MemoryStore
from maker.store.prune import prune
from maker.store.queries import Reader
from maker.store.sql import SqlStore

OTHER = RunId(str(uuid.UUID(int=7)))
PLAN = e.PlanCreated(plan=hanoi.plan(3), origin="user")


async def whole_run() -> tuple[list[Record], RunSummary]:
    """The log of a finished run, and its row."""
    config = experiment_config(3, seed=0, error_rate=0.3)
    agent = SimulatedAgent(config.simulation, FakeClock())
    session = await play(agent, config=config, given=PLAN.plan)
    store: MemoryStore = session.store
    state, _ = await opened(RUN, store)
    return await session.records(), summary(state)


class Writing(FakeClock):
    """Another process: each time that somebody waits, it stores some more of its run."""

    def __init__(self, store: SqlStore, log: list[Record], end: RunSummary) -> None:
        super().__init__()
        self.store, self.log, self.end = store, log, end
        self.stored = self.rounds = 0

    async def write(self, most: int) -> None:
        group = self.log[self.stored : self.stored + most]
        if group:
            self.stored += len(group)
            is_over = self.stored == len(self.log)
            running = RunSummary(instruction="x", status="running")
            await self.store.append(RUN, group, {}, self.end if is_over else running)

    async def sleep(self, seconds: float) -> None:
        self.rounds += 1
        assert self.rounds < 200, "it does not end"
        await self.write(9)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "maker.db")
    return str(request.getfixturevalue("postgres"))


@pytest.mark.parametrize("at_once", [4, 1000])
async def test_events_are_seen_as_they_are_stored_to_the_end_of_the_run(
    url: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "EVENTS_AT_ONCE", at_once)
    log, end = await whole_run()
    store = SqlStore(url)
    clock = Writing(store, log, end)
    await store.acquire(RUN, this_process(), clock.now(), 1e9)
    await clock.write(5)
    try:
        seen = [record async for record in followed(url, RUN, clock)]
        assert seen == log
    finally:
        await store.close()
        await _forget(url)


async def _forget(url: str) -> None:
    """The PostgreSQL database is shared by all tests, and this run's id is everybody's."""
    if "://" in url:
        with Reader(url) as reader:
            prune(url, [reader.run(RUN)])


async def test_a_run_that_nobody_works_on_is_followed_to_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    log, end = await whole_run()
    store = SqlStore(path)
    clock = Writing(store, log[:20], end)
    running = RunSummary(instruction="x", status="running")
    await store.append(RUN, log[:20], {}, running)
    await store.close()
    clock.stored = 20
    assert [record async for record in followed(str(path), RUN, clock)] == log[:20]


async def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    log, end = await whole_run()
    store = SqlStore(tmp_path / "maker.db")
    await store.append(RUN, log, {}, end)
    await store.close()
    with pytest.raises(RunNotFound):
        [r async for r in followed(str(tmp_path / "maker.db"), OTHER, FakeClock())]
