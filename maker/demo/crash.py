"""A run is killed in the middle of a vote, resumed and replayed: what was bought twice?

The victim is a real process and the signal a real SIGKILL. What is printed about it is in
`maker/cli/demo.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import IO

from maker import app
from maker.agents import hanoi
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core.comparison import bought_twice, differences
from maker.core.fold import fold
from maker.core.models import RunId, TaskConfig, Value
from maker.core.state import RunState
from maker.engine.orchestrator import Orchestrator
from maker.errors import MakerError, RunNotFound
from maker.inspect.replay import replay
from maker.store.memory import MemoryStore
from maker.store.queries import Reader

MOVES_FIRST = 3
"""Moves that are let through before the kill, so that there is something to lose."""
PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.005


class Crash(Value, frozen=True, kw_only=True):
    """What happened; `kept` of `launched` replies were in when the vote was cut."""

    run: RunId
    killed_at_event: int
    move: int
    kept: int
    launched: int
    status: str
    moves: int
    bought: int
    bought_before: int
    bought_twice: list[str]
    replay: str
    differences: list[str]
    duration_s: float

    @property
    def succeeded(self) -> bool:
        """Whether nothing was bought twice and the end is that of a run that was never killed."""
        same = not self.bought_twice and not self.differences
        return same and self.replay == "identical" and self.status == "completed"


class Cut(Value, frozen=True, kw_only=True):
    """Where the victim was when it was killed."""

    events: int
    replies: int
    move: int
    kept: int
    launched: int

    @property
    def in_mid_vote(self) -> bool:
        """Whether some replies of an open vote are in, and some are not."""
        return self.move > MOVES_FIRST and 0 < self.kept < self.launched


async def crash(config: TaskConfig, disks: int, url: str) -> Crash:
    """Run, kill, resume, replay and compare with a run that was never killed."""
    started = time.monotonic()
    run, cut = await asyncio.to_thread(_killed_run, config, disks, url)
    async with app.opened(url=url) as store:
        session = await app.resume(run, store=store)
        assert session is not None, "the victim had ended before it was killed"
        async for _ in session.run():
            pass
        records = await store.load(run)
    log = [e.decode(record.payload, seq=record.seq) for record in records]
    state = fold(log)
    return Crash(
        run=run,
        killed_at_event=cut.events,
        move=cut.move,
        kept=cut.kept,
        launched=cut.launched,
        status=state.status,
        moves=sum(isinstance(event, e.StepCompleted) for event in log),
        bought=sum(isinstance(event, e.AgentReplied) for event in log),
        bought_before=cut.replies,
        bought_twice=[str(key) for key in bought_twice(log)],
        replay=replay(records).outcome,
        differences=differences(await _never_killed(config, disks), log),
        duration_s=time.monotonic() - started,
    )


def arguments(config: TaskConfig, disks: int) -> list[str]:
    """The command line of the victim."""
    simulation = config.simulation
    options = {
        "disks": disks,
        "seed": simulation.seed,
        "error-rate": simulation.error_rate,
        "flag-rate": simulation.flag_rate,
        "delay-ms": simulation.delay_ms,
        "voting": config.voting_strategy,
        "voting-k": config.voting_k,
        "max-voting-samples": config.max_voting_samples,
        "samples-at-once": config.samples_at_once,
    }
    return ["demo", "hanoi", *(f"--{name}={value}" for name, value in options.items())]


def _killed_run(config: TaskConfig, disks: int, url: str) -> tuple[RunId, Cut]:
    with _victim(config, disks, url) as victim:
        run = _run_id(victim)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and victim.poll() is None:
            if _cut(_log(url, run)).in_mid_vote:
                # Only once it is stopped is it certain that the vote is still open.
                victim.send_signal(signal.SIGSTOP)
                cut = _cut(_log(url, run))
                if cut.in_mid_vote:
                    victim.kill()
                    return run, cut
                victim.send_signal(signal.SIGCONT)
            time.sleep(_LOOK_EVERY_S)
    raise MakerError(
        "the run could not be killed in the middle of a vote: it was over too soon, or too slow",
        advice="Try again with more --disks or another --delay-ms.",
    )


@contextlib.contextmanager
def _victim(config: TaskConfig, disks: int, url: str) -> Iterator[subprocess.Popen[str]]:
    victim = subprocess.Popen(
        [sys.executable, "-m", "maker", *arguments(config, disks)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Not an option: the URL may hold a password, and arguments are seen by everyone.
        env={**os.environ, "MAKER_DATABASE_URL": url},
    )
    try:
        yield victim
    finally:
        victim.kill()
        victim.communicate()


def _run_id(victim: subprocess.Popen[str]) -> RunId:
    """The run id in the first line that a run prints on stderr."""
    stderr: IO[str] | None = victim.stderr
    line = stderr.readline() if stderr else ""
    word, _, rest = line.partition(" ")
    if word != "run" or ":" not in rest:
        output = line + (stderr.read() if stderr else "")
        raise MakerError(
            f"the child process did not start a run: {output.strip() or 'it said nothing'}"
        )
    return RunId(rest.partition(":")[0])


def _log(url: str, run: RunId) -> list[e.Event]:
    try:
        with Reader(url) as reader:
            return [e.decode(record.payload, seq=record.seq) for record in reader.records(run)]
    except RunNotFound:  # its id is printed before its first event is stored
        return []


def _cut(log: list[e.Event]) -> Cut:
    state: RunState = fold(log)
    lane = next(iter(state.execution.lanes.values()), None)
    return Cut(
        events=len(log),
        replies=sum(isinstance(event, e.AgentReplied) for event in log),
        move=lane.iteration + 1 if lane else 0,
        kept=len(lane.replies) if lane else 0,
        launched=lane.config.voting_k if lane and lane.started else 0,
    )


class _NoWait:
    """Time that passes only by being waited for."""

    def __init__(self) -> None:
        self._time = 0.0

    def now(self) -> float:
        return self._time

    def uptime(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        self._time += seconds
        await asyncio.sleep(0)


async def _never_killed(config: TaskConfig, disks: int) -> list[e.Event]:
    """The events of the same run in memory, from start to end."""
    clock, store = _NoWait(), MemoryStore()
    registry = app.registry_for(config)
    agent = SimulatedAgent(config.simulation, clock)
    orchestrator = Orchestrator(config, registry, store=store, agent=agent, clock=clock)
    plan = e.PlanCreated(plan=hanoi.plan(disks), origin="user")
    return [event async for event in orchestrator.run(orchestrator.submission(), plan)]
