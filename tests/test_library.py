"""maker as a library: what `run_task` and `resume_task` promise beside the seed's tests."""

from __future__ import annotations

import contextlib
import os
import uuid
from typing import Any

import pytest

from maker import MemoryStore, SqlStore, TaskConfig, resume_task, run_task
from maker.core import events as e
from maker.core.models import RunId, Simulation
from maker.errors import ConfigError
from maker.store.queries import Reader

CONFIG = TaskConfig(instruction="Count things.", agent="simulated")


async def test_a_task_without_a_store_is_in_the_database_of_the_command_line() -> None:
    events = [event async for event in run_task(CONFIG)]
    assert isinstance(events[-1], e.TaskCompleted)
    with Reader(f"{os.environ['MAKER_HOME']}/maker.db") as reader:
        (row,) = reader.runs()
    assert row.summary.status == "completed"


async def test_the_library_has_the_cap_of_the_command_line() -> None:
    assert (CONFIG.max_cost_usd, CONFIG.max_turns) == (5.0, 50)


@pytest.mark.parametrize("cap", ["max_cost_usd", "max_tokens", "max_samples", "max_minutes"])
async def test_where_nothing_may_be_used_nobody_is_asked(cap: str) -> None:
    none: dict[str, Any] = {cap: 0}
    nothing = TaskConfig(instruction="Count things.", agent="simulated", **none)
    events = [event async for event in run_task(nothing, store=MemoryStore())]
    assert [type(event) for event in events] == [e.TaskSubmitted, e.RunPaused]
    assert isinstance(events[-1], e.RunPaused)
    assert events[-1].reason == "budget"


async def test_a_run_with_a_chosen_id_is_resumed_by_it() -> None:
    store, run = MemoryStore(), str(uuid.UUID(int=7))
    capped = TaskConfig(instruction="Count things.", agent="simulated", max_samples=1)
    first = [event async for event in run_task(capped, store=store, run_id=run)]
    assert isinstance(first[-1], e.RunPaused)
    rest = [event async for event in resume_task(run, options={"max_samples": None}, store=store)]
    assert isinstance(rest[-1], e.TaskCompleted)
    assert len(await store.load(RunId(run))) == len(first) + len(rest)


async def test_an_in_process_server_in_the_settings_is_used_but_not_stored() -> None:
    store, run = MemoryStore(), str(uuid.UUID(int=7))
    server = {"type": "sdk", "name": "notes", "instance": object()}
    with_server = TaskConfig(
        instruction="Count things.", agent="simulated", mcp_servers={"notes": server}
    )
    events = [event async for event in run_task(with_server, store=store, run_id=run)]
    submitted = events[0]
    assert isinstance(submitted, e.TaskSubmitted)
    assert submitted.config.mcp_servers == {}
    assert "mcp__notes" in [tool.name for tool in submitted.tools]


async def test_a_completed_run_is_resumed_to_nothing() -> None:
    store, run = MemoryStore(), str(uuid.UUID(int=7))
    async for _ in run_task(CONFIG, store=store, run_id=run):
        pass
    assert [event async for event in resume_task(run, store=store)] == []


async def test_a_run_id_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(ConfigError, match="no UUID"):
        async for _ in run_task(CONFIG, store=MemoryStore(), run_id="mine"):
            pass


async def test_a_given_store_stays_open(tmp_path: object) -> None:
    store = SqlStore(f"{tmp_path}/own.db")
    async for _ in run_task(CONFIG, store=store, run_id=str(uuid.UUID(int=7))):
        pass
    assert await store.load(RunId(str(uuid.UUID(int=7))))
    await store.close()


async def test_closing_the_iteration_pauses_the_run_and_gives_its_lease_back() -> None:
    slow = TaskConfig(
        instruction="Count things.", agent="simulated", simulation=Simulation(delay_ms=60_000)
    )
    async with contextlib.aclosing(run_task(slow)) as events:
        async for _ in events:
            break
    with Reader(f"{os.environ['MAKER_HOME']}/maker.db") as reader:
        (row,) = reader.runs()
    assert (row.status, row.summary.reason, row.lease_owner) == ("paused", "signal", None)
