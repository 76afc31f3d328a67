"""`maker` as its users have it: a process with a database, a home and an API to talk to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from maker.agents import processes
from maker.core import events as e
from maker.core.models import RunId
from maker.store.queries import Reader

PATIENCE_S = 120.0
"""Longer than anything takes on a busy machine; only a failing test waits for it."""


class Done(Struct, frozen=True):
    """What a process left behind."""

    code: int
    out: str
    err: str


class Maker:
    """Starts `maker` with one environment, and reads the database that it writes."""

    def __init__(self, database: Path, cwd: Path, environ: dict[str, str]) -> None:
        self.database, self.cwd = database, cwd
        self._environ = {**os.environ, **environ, "MAKER_DATABASE_URL": str(database)}

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A running process; it does not outlive the block."""
        process = subprocess.Popen(
            [sys.executable, "-m", "maker", *arguments],
            cwd=self.cwd,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def __call__(self, *arguments: str) -> Done:
        """Run it to its end."""
        with self.started(*arguments) as process:
            return ended(process)

    def runs(self) -> list[RunId]:
        """The ids of all runs, newest first."""
        with Reader(str(self.database)) as reader:
            return [row.run_id for row in reader.runs()]

    def log(self, run: RunId | None = None) -> list[e.Event]:
        """What the database holds of a run (by default the newest); nothing where there is none."""
        with Reader(str(self.database)) as reader:
            known = [row.run_id for row in reader.runs(limit=1)]
            found = run or (known[0] if known else None)
            records = reader.records(found) if found else []
            return [e.decode(record.payload, seq=record.seq) for record in records]

    def of(self, kind: type[e.Event], run: RunId | None = None) -> list[e.Event]:
        """The events of one kind."""
        return [event for event in self.log(run) if isinstance(event, kind)]


def ended(process: subprocess.Popen[str]) -> Done:
    """Wait for the end of the process."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return Done(process.returncode, out, err)


def killed(process: subprocess.Popen[str]) -> None:
    """End the process as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)


def agents_of(pid: int) -> list[processes.Process]:
    """The agents that this process has started and that are alive."""
    return [found for found in processes.marked() if found.started_by == pid]


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that happens in another process, and that nobody announces."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def replied(log: Sequence[e.Event]) -> list[str]:
    """The keys of all calls that were answered, in the order of the log."""
    return [event.key for event in log if isinstance(event, e.AgentReplied)]
