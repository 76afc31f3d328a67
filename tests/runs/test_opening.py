"""A log is opened from its snapshot: the same state as without it, whatever became of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from fakes import RUN, registry
from maker.agents import hanoi
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import RunId, TaskConfig
from maker.core.seams import EventStore, Record, Snapshot
from maker.core.snapshot import FORMAT, encode_state
from maker.demo.experiment import experiment_config
from maker.engine import opening
from maker.engine.clock import SystemClock
from maker.engine.opening import opened
from maker.engine.orchestrator import Orchestrator
from maker.engine.writer import SNAPSHOT_EVERY
from maker.errors import LogDamaged, RunNotFound
from maker.store import rows
from maker.store.memory import MemoryStore
from maker.store.sql import SqlStore

DISKS = 10


def tower(store: EventStore, config: TaskConfig | None = None) -> Orchestrator:
    config = config or experiment_config(DISKS, seed=0, error_rate=0.0, voting_k=2)
    agent = SimulatedAgent(config.simulation, SystemClock())
    return Orchestrator(config, registry(), store=store, agent=agent, run_id=RUN)


async def moved(store: EventStore) -> list[Record]:
    run = tower(store)
    plan = e.PlanCreated(plan=hanoi.plan(DISKS), origin="user")
    async for _ in run.run(run.submission(), plan):
        pass
    return await store.load(RUN)


def folded(records: list[Record]) -> object:
    return fold(e.decode(record.payload) for record in records)


class Counting(MemoryStore):
    """Counts the events that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_events = self.most_at_once = 0

    async def read(self, run: RunId, seq: int, hash: bytes, most: int) -> list[Record]:
        records = await super().read(run, seq, hash, most)
        self.read_events += len(records)
        self.most_at_once = max(self.most_at_once, len(records))
        return records


async def test_a_long_log_is_opened_from_its_newest_snapshot() -> None:
    store = Counting()
    records = await moved(store)
    assert len(records) > SNAPSHOT_EVERY
    state, head = await opened(RUN, store)
    assert state == folded(records)
    assert (head.seq, head.hash) == (records[-1].seq, records[-1].hash)
    assert store.read_events < SNAPSHOT_EVERY
    assert store.most_at_once <= opening.EVENTS_AT_ONCE


@pytest.mark.parametrize(
    "broken",
    [
        {"format": "maker 0.0"},
        {"state": b"junk"},
        {"state": b""},
    ],
)
async def test_a_snapshot_that_this_maker_did_not_write_is_ignored(
    broken: dict[str, object],
) -> None:
    store = Counting()
    records = await moved(store)
    kept = await store.snapshot(RUN)
    assert kept is not None
    store._snapshots[RUN] = msgspec.structs.replace(kept, **broken)
    state, _ = await opened(RUN, store)
    assert state == folded(records)
    assert store.read_events == len(records)


async def small(path: Path) -> list[Record]:
    """A finished run of a few events with a snapshot in its middle."""
    store = SqlStore(path)
    run = tower(store, experiment_config(2, seed=0, error_rate=0.0, voting_k=2))
    plan = e.PlanCreated(plan=hanoi.plan(2), origin="user")
    async for _ in run.run(run.submission(), plan):
        pass
    records = await store.load(RUN)
    await store.close()
    state = encode_state(folded(records[:8]))  # type: ignore[arg-type]
    assert state is not None
    put(path, Snapshot(seq=8, hash=records[7].hash, format=FORMAT, state=state))
    return records


def put(path: Path, snapshot: Snapshot) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(rows.PUT_SNAPSHOT, rows.snapshot_row(1, snapshot))
        raw.commit()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE snapshots SET state = x'00'",
        "UPDATE snapshots SET checksum = x'00'",
        "UPDATE snapshots SET hash = zeroblob(32)",
        "UPDATE snapshots SET seq = 7",
        "UPDATE snapshots SET seq = 99",
        "DELETE FROM snapshots",
        "",
    ],
)
async def test_a_damaged_snapshot_never_shows(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "maker.db"
    records = await small(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(damage)
        raw.commit()
    store = SqlStore(path)
    assert (await store.snapshot(RUN) is None) is bool(damage)
    state, head = await opened(RUN, store)
    await store.close()
    assert state == folded(records)
    assert head.seq == len(records)


async def test_what_follows_a_snapshot_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await small(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER events_no_update")
        raw.execute("UPDATE events SET payload = replace(payload, '2', '3') WHERE seq = 10")
        raw.commit()
    store = SqlStore(path)
    with pytest.raises(LogDamaged, match="event 10"):
        await opened(RUN, store)
    await store.close()


async def test_there_is_nothing_to_open_of_a_run_that_is_not_there(tmp_path: Path) -> None:
    for store in (MemoryStore(), SqlStore(tmp_path / "maker.db")):
        with pytest.raises(RunNotFound):
            await opened(RUN, store)
        await store.close()
