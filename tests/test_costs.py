"""What a run may cost in counts: statements, commits, bytes on disk, and CPU time that grows."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import sqlalchemy

from fakes import RUN, FakeClock, config, plan, registry, step
from maker.agents import hanoi
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall, AgentReply, Plan, TaskConfig
from maker.core.seams import Agent, Answer
from maker.demo.experiment import experiment_config
from maker.engine.orchestrator import Orchestrator
from maker.store.memory import MemoryStore
from maker.store.sql import SqlStore

DISKS = 8
MOVES = 2**DISKS - 1


async def carried_out(
    store: SqlStore | MemoryStore, settings: TaskConfig, agent: Agent, given: Plan
) -> int:
    """Events of a run to its end."""
    run = Orchestrator(settings, registry(), store=store, agent=agent, run_id=RUN)
    opening = run.submission(), e.PlanCreated(plan=given, origin="user")
    events = [event async for event in run.run(*opening)]
    assert isinstance(events[-1], e.TaskCompleted)
    await store.close()
    return len(events)


async def test_a_voted_step_takes_few_bytes_statements_and_commits(tmp_path: Path) -> None:
    counts = {"statements": 0, "commits": 0}

    def count(what: str) -> None:
        counts[what] += 1

    def on_statement(*_: object) -> None:
        count("statements")

    def on_commit(*_: object) -> None:
        count("commits")

    settings = experiment_config(DISKS, seed=0, error_rate=0.0)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", on_statement)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", on_commit)
    try:
        agent = SimulatedAgent(settings.simulation, FakeClock())
        store = SqlStore(tmp_path / "maker.db")
        events = await carried_out(store, settings, agent, hanoi.plan(DISKS))
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", on_statement)
        sqlalchemy.event.remove(sqlalchemy.Engine, "commit", on_commit)
    assert events == 6 * MOVES + 4
    assert (tmp_path / "maker.db").stat().st_size / MOVES < 2_800
    assert counts["commits"] < 20
    assert counts["statements"] < 120


class Listing:
    """Gives a list of so many items, then a word about each."""

    def __init__(self, items: int) -> None:
        self._items = items

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        place = keys.sample_place(call.key)
        assert place is not None
        if place.step == 0:
            files = [{"path": f"m{number}"} for number in range(self._items)]
            return AgentReply(text=json.dumps({"files": files}), cost_usd=0.0)
        if place.iteration % 10 < 3:
            return AgentReply(text="nothing to say", cost_usd=0.0)
        return AgentReply(text='{"n": 1}', cost_usd=0.0)


@pytest.mark.slow
async def test_an_item_of_a_long_list_costs_what_one_of_a_short_list_does() -> None:
    """CPU time within one process: a list that is walked for each item would cost 8 times more."""
    look = step(
        1, for_each="step_0_output.files.path", on_item_error="skip", next_step_sequence_number=-1
    )
    given = plan(
        step(0, output_schema="{files: [{path: string}]}", next_step_sequence_number=1), look
    )
    settings = config(agent="simulated", step_max_retries=0, max_cost_usd=None)
    each = []
    for items in (250, 500, 4_000):  # the first one warms up
        begin = time.process_time()
        await carried_out(MemoryStore(), settings, Listing(items), given)
        each.append((time.process_time() - begin) / items)
    assert each[2] < 2 * each[1]
