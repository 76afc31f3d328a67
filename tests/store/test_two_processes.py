"""What holds between processes: kills, leases, and a database that both create at once."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.core.models import RunId
from maker.errors import RunBusy, StoreError
from maker.store.lease import this_process
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

pytestmark = pytest.mark.slow

RUN = RunId(str(uuid.UUID(int=1)))
NOW = 1_700_000_000.0

PREAMBLE = """
import asyncio, sys
from maker.core import events
from maker.core.models import RunSummary
from maker.core.seams import Record
from maker.errors import MakerError
from maker.store.lease import this_process
from maker.store.sql import SqlStore

path, run = sys.argv[1:3]
SUMMARY = RunSummary(instruction="x", status="running")

def record(seq, previous):
    payload = b'{"n":%d}' % seq
    return Record(seq=seq, timestamp=float(seq), type="N", payload=payload,
                  hash=events.chain(previous, payload))
"""

APPEND_FOREVER = """
async def main():
    store, seq, head = SqlStore(path), 0, events.GENESIS
    while True:
        group = []
        for _ in range(3):
            seq += 1
            group.append(record(seq, head))
            head = group[-1].hash
        await store.append(run, group, {}, SUMMARY)
        print(seq, flush=True)

asyncio.run(main())
"""

TAKE_THE_LEASE = """
async def main():
    store = SqlStore(path)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        await store.acquire(run, this_process(), 1_700_000_000.0, 60.0)
        print("won", flush=True)
    except MakerError as error:
        print(type(error).__name__, flush=True)
    sys.stdin.readline()
    await store.close()

asyncio.run(main())
"""

CREATE = """
async def main():
    store = SqlStore(path)
    print("ready", flush=True)
    sys.stdin.readline()
    await store.append(run, [record(1, events.GENESIS)], {}, SUMMARY)
    await store.close()
    print("done", flush=True)

asyncio.run(main())
"""


def child(program: str, path: Path, run: str = RUN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program, str(path), run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def loaded(path: Path) -> int:
    store = SqlStore(path)
    try:
        return len(await store.load(RUN))
    finally:
        await store.close()


@pytest.mark.parametrize("groups", [1, 20, 50])
def test_a_kill_in_the_middle_of_appending_loses_nothing_acknowledged(
    tmp_path: Path, groups: int
) -> None:
    path = tmp_path / "maker.db"
    with child(APPEND_FOREVER, path) as process:
        for _ in range(groups):
            acknowledged = int(line(process))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
    acknowledged = int(([str(acknowledged), *rest.split("\n")[:-1]])[-1])
    stored = asyncio.run(loaded(path))
    assert stored in (acknowledged, acknowledged + 3)
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


def test_two_processes_that_want_the_lease_at_once_cannot_both_win(
    tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    path = tmp_path / "maker.db"

    async def begin() -> None:
        store = SqlStore(path)
        await store.append(RUN, log("a"), {}, summary())
        await store.close()

    asyncio.run(begin())
    with child(TAKE_THE_LEASE, path) as one, child(TAKE_THE_LEASE, path) as two:
        assert [line(one), line(two)] == ["ready", "ready"]
        go_on(one)
        go_on(two)
        outcomes = sorted([line(one), line(two)])
        go_on(one)
        go_on(two)
    assert outcomes == ["RunBusy", "won"]


async def test_the_lease_of_a_live_process_holds_and_of_a_killed_one_does_not(
    tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(tmp_path / "maker.db")
    await store.append(RUN, log("a"), {}, summary())
    with child(TAKE_THE_LEASE, tmp_path / "maker.db") as process:
        line(process)
        go_on(process)
        assert line(process) == "won"
        with pytest.raises(RunBusy, match=f"process {process.pid} "):
            await store.acquire(RUN, this_process(), NOW + 1, 60.0)
        process.kill()
        process.wait()
        await store.acquire(RUN, this_process(), NOW + 2, 60.0)
    await store.close()


def test_processes_that_create_the_database_at_once_both_succeed(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    children = [child(CREATE, path, str(uuid.UUID(int=number))) for number in range(3)]
    assert [line(process) for process in children] == ["ready"] * 3
    for process in children:
        go_on(process)
    assert [line(process) for process in children] == ["done"] * 3
    assert [process.wait() for process in children] == [0] * 3
    for process in children:
        process.communicate()


def test_an_exception_in_a_program_that_closes_its_store_lets_the_interpreter_end(
    tmp_path: Path,
) -> None:
    program = """
async def main():
    store = SqlStore(path)
    try:
        await store.append(run, [record(1, events.GENESIS)], {}, SUMMARY)
        raise SystemExit(7)
    finally:
        await store.close()

asyncio.run(main())
"""
    with child(program, tmp_path / "maker.db") as process:
        assert process.wait(timeout=30) == 7


async def test_a_database_that_stays_locked_is_a_clear_error(
    tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(tmp_path / "maker.db", busy_timeout_s=0.01)
    await store.append(RUN, log("a"), {}, summary())
    blocker = sqlite3.connect(tmp_path / "maker.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        await store.append(RUN, log("b", after=log("a")), {}, summary())
    blocker.execute("ROLLBACK")
    blocker.close()
    await store.append(RUN, log("b", after=log("a")), {}, summary())
    await store.close()
