"""Steps a second of the whole pipeline: Towers of Hanoi, every move voted on, every event on disk.

python benchmarks/demo.py [disks] [rounds]
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from maker import app
from maker.agents import hanoi
from maker.core import events as e
from maker.demo.experiment import experiment_config
from maker.store.memory import MemoryStore
from maker.store.sql import SqlStore


def main(disks: int, rounds: int) -> None:
    """Print medians for a SQLite file and for a store in memory."""
    print(f"{2**disks - 1} moves, first to be ahead by 3, error rate 0.1, median of {rounds}")
    for name in ("sqlite", "memory"):
        found = [asyncio.run(_measured(name, disks)) for _ in range(rounds)]
        seconds = statistics.median(seconds for seconds, _, _ in found)
        _, steps, events = found[0]
        print(
            f"{name:<7} {steps / seconds:>7.0f} steps/s {events / seconds:>8.0f} events/s "
            f"{seconds:>7.2f} s"
        )
    print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


async def _measured(name: str, disks: int) -> tuple[float, int, int]:
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(Path(folder) / "maker.db") if name == "sqlite" else MemoryStore()
        config = experiment_config(disks, seed=0, error_rate=0.1)
        session = app.submit(config, store=store, plan=hanoi.plan(disks))
        started = time.perf_counter()
        steps = events = 0
        async for event in session.run():
            events += 1
            steps += isinstance(event, e.StepCompleted)
        seconds = time.perf_counter() - started
        await store.close()
    return seconds, steps, events


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [10, 3][len(numbers) :]))
