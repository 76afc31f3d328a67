"""Events a second through the store, by the number of events in each commit.

    uv run python benchmarks/store.py [--events N] [--folder DIR]

Every commit is on disk before the next one begins. Give a folder on the disk that matters: on one
in memory a sync costs nothing. Where LangGraph or DBOS is installed, it is measured beside:
see `durable_engines.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from durable_engines import rates

from maker.core import events
from maker.core.models import RunId, RunSummary
from maker.core.seams import EventStore, Record
from maker.store.memory import MemoryStore
from maker.store.queries import Reader
from maker.store.sql import SqlStore

SUMMARY = RunSummary(instruction="Measure the store", status="running")
GROUP_SIZES = (1, 3, 10, 30, 100, 300)


def log(count: int) -> Iterator[Record]:
    previous = events.GENESIS
    for seq in range(1, count + 1):
        payload = b'{"type":"StepStarted","step":%d,"title":"%s"}' % (seq, b"x" * 150)
        previous = events.chain(previous, payload)
        yield Record(
            seq=seq, timestamp=float(seq), type="StepStarted", payload=payload, hash=previous
        )


async def measure(store: EventStore, group_size: int, count: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of appending `count` events."""
    records, run = list(log(count)), RunId(str(uuid.uuid4()))
    await store.append(run, records[:1], {}, SUMMARY)
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(1, count, group_size):
        await store.append(run, records[start : start + group_size], {}, SUMMARY)
    return time.perf_counter() - wall, time.process_time() - cpu


async def compare(path: Path, count: int) -> None:
    print(f"{'store':8} {'group':>6} {'events/s':>10} {'commits/s':>10} {'CPU us/event':>13}")
    for group_size in GROUP_SIZES:
        appended = min(count, group_size * 300)
        for name, store in (("sqlite", SqlStore(path)), ("memory", MemoryStore())):
            wall, cpu = await measure(store, group_size, appended)
            await store.close()
            rate = appended / wall
            print(
                f"{name:8} {group_size:6} {rate:10,.0f} {rate / group_size:10,.0f}"
                f" {cpu / appended * 1e6:13,.0f}"
            )


def plain_sqlite3(path: Path, count: int) -> float:
    """Wall-clock seconds of a commit a step with the driver alone: durability at its cheapest."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE steps (step INTEGER PRIMARY KEY, state TEXT NOT NULL)")
    begin = time.perf_counter()
    for step in range(count):
        raw.execute("INSERT INTO steps VALUES (?, ?)", (step, "x" * 200))
    took_s = time.perf_counter() - begin
    raw.close()
    return took_s


async def beside_sqlite3(folder: Path, steps: int) -> None:
    """The rate of durable steps, as a share of what `sqlite3` does with a commit a step."""
    base = steps / plain_sqlite3(folder / "plain.db", steps)
    print(f"{'beside sqlite3':32} {'steps/s':>9} {'ratio':>6} {'commits a step':>15}")
    print(f"{'sqlite3, a commit a step':32} {base:9,.0f} {1:6.2f} {1:15.2f}")
    for name, in_flight in (("each step waiting", 1), ("five in flight", 5), ("running ahead", 64)):
        store = SqlStore(folder / f"{in_flight}.db")
        wall, _ = await measure(store, in_flight, steps)
        await store.close()
        rate = steps / wall
        print(f"{name:32} {rate:9,.0f} {rate / base:6.2f} {1 / in_flight:15.2f}")
    for name, rate in rates(folder, min(steps, 500)):
        print(f"{name:32} {rate:9,.0f} {rate / base:6.2f}")


def read_back(path: Path) -> None:
    begin = time.perf_counter()
    with Reader(str(path)) as reader:
        runs = reader.runs()
        count = sum(len(reader.records(row.run_id)) for row in runs)
    took_s = time.perf_counter() - begin
    print(f"read and verified: {count:,} events in {took_s * 1000:,.0f} ms")
    print(f"on disk: {path.stat().st_size / count:,.0f} B/event")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the store.")
    parser.add_argument("--events", type=int, default=20_000, help="at most, per group size")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where the database lies")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        asyncio.run(compare(Path(folder) / "maker.db", options.events))
        read_back(Path(folder) / "maker.db")
        asyncio.run(beside_sqlite3(Path(folder), 1_500))


if __name__ == "__main__":
    main()
