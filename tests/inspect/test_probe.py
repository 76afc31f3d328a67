"""The five tasks of `maker doctor --live`, put to the simulated agent and within their cap."""

from __future__ import annotations

from pathlib import Path

from maker.core.models import Simulation, TaskConfig
from maker.inspect.probe import (
    FILES,
    TASKS,
    Probed,
    prepare,
    probe,
)
from maker.store.memory import MemoryStore


async def probed(max_cost_usd: float, flag_rate: float = 0.0) -> list[Probed]:
    config = TaskConfig(
        instruction="-", agent="simulated", simulation=Simulation(flag_rate=flag_rate, seed=3)
    )
    return [found async for found in probe(config, MemoryStore(), max_cost_usd)]


async def test_every_task_is_run_to_its_end_and_measured() -> None:
    found = await probed(1.0)
    assert [one.instruction for one in found] == [task.instruction for task in TASKS]
    assert all(one.status == "completed" and one.planned_at_once for one in found)
    assert not any(one.answered for one in found), "a simulated answer is never the right one"


async def test_red_flags_are_counted_by_reason() -> None:
    assert any(one.flags for one in await probed(1.0, flag_rate=0.5))


async def test_the_tasks_stop_when_the_money_is_spent() -> None:
    found = await probed(0.02)
    assert 1 <= len(found) < len(TASKS)
    assert sum(one.cost_usd for one in found) < 0.05


def test_the_files_of_the_tasks_are_written(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == set(FILES)
