"""Real `maker` processes on one database, and everything that can be seen of them from outside.

What must be true of it all is in `oracles.py`. Nothing here waits for time to pass: what happens is
decided by what the processes have printed, bought and committed.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy.dialects.sqlite  # noqa: F401  loaded here once, so that no process has to

from forked import TIMEOUT_S, Forked, nothing
from maker import app
from maker.core import events as e
from maker.core.models import RunId, TaskConfig
from maker.core.seams import Agent, Clock
from maker.errors import RunNotFound
from maker.store.queries import Reader
from maker.tools.registry import ToolRegistry
from storm.moments import Gate, Moment, Trap, watch
from storm.purchases import CountedAgent, Ledger

PLAN = Path(__file__).with_name("plan.yaml")


class Session(Forked):
    """One process that works on a run, what was in the log before, and when it is disturbed."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        url: str,
        ledger: Ledger,
        landed: frozenset[str],
        moment: Moment | None,
        before: Callable[[], None],
    ) -> None:
        self.landed, self.moment = landed, moment
        self._gate = Gate()
        super().__init__(
            args,
            environ={"MAKER_DATABASE_URL": url},
            before=partial(_prepared, ledger, Trap(moment, self._gate), before),
        )

    @property
    def was_killed(self) -> bool:
        """Whether the moment came before the end."""
        return self.status == -signal.SIGKILL

    @property
    def run(self) -> RunId:
        """The run that it works on, by what it says first."""
        self.expect("\n")
        named = re.match(r"run ([0-9a-f-]{36})", self.err)
        assert named is not None, self.err
        return RunId(named[1])

    @property
    def printed(self) -> list[str]:
        """The lines on stdout; the last one may be cut."""
        return self.out.split("\n")

    def to_the_end(self) -> int:
        """Wait until the process ends, killing it where its moment is seen; its exit code."""
        moment = self.moment
        if moment and moment.kind == "printed" and self.expect_lines(moment.count):
            sum(range(moment.spin))  # a moment that no event marks
            self.send(signal.SIGKILL)
        return self.end()[0]

    def stop(self) -> None:
        """Stop the process, and wait until it has stopped."""
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def until_held(self) -> None:
        """Wait until the process is held at its moment."""
        self._gate.until_held()

    def release(self) -> None:
        """Let a process that is held go on."""
        self._gate.release()

    def close(self) -> None:
        """Leave nothing behind."""
        super().close()
        self._gate.close()


class Storm:
    """A folder with a ledger and a database, unless `url` names another, and who worked on it."""

    def __init__(self, place: Path, url: str | None = None) -> None:
        self.place = place
        self.place.mkdir(parents=True, exist_ok=True)
        self.database, self.ledger = place / "maker.db", Ledger(place / "ledger")
        self.url = url or str(self.database)
        self.sessions: list[Session] = []

    @contextmanager
    def started(
        self,
        *args: str,
        run: RunId | None = None,
        moment: Moment | None = None,
        before: Callable[[], None] = nothing,
    ) -> Iterator[Session]:
        """A process that does not outlive the block; `run` is what it is to go on with."""
        landed = frozenset(self.answered(run)) if run else frozenset()
        session = Session(
            args, url=self.url, ledger=self.ledger, landed=landed, moment=moment, before=before
        )
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.close()

    def __call__(
        self,
        *args: str,
        run: RunId | None = None,
        moment: Moment | None = None,
        before: Callable[[], None] = nothing,
    ) -> Session:
        """A process that has ended, by itself or at its moment."""
        with self.started(*args, run=run, moment=moment, before=before) as session:
            session.to_the_end()
        return session

    def examined(self, *args: str) -> Session:
        """A command that only looks, or that works on nothing of this storm's own."""
        session = self(*args)
        self.sessions.remove(session)
        return session

    def newest(self) -> RunId:
        """The newest run; there is one."""
        run = self.newest_if_any()
        assert run is not None, "nothing was stored yet"
        return run

    def newest_if_any(self) -> RunId | None:
        """The newest run; None where nothing was stored yet."""
        with Reader(self.url) as reader:
            return next((row.run_id for row in reader.runs(limit=1)), None)

    def log(self, run: RunId) -> list[e.Event]:
        """The events of the run, verified; none where nothing was stored yet."""
        with Reader(self.url) as reader:
            try:
                records = reader.records(run)
            except RunNotFound:
                return []
        return [e.decode(record.payload, seq=record.seq) for record in records]

    def answered(self, run: RunId) -> list[str]:
        """The keys of the replies that have landed."""
        return [event.key for event in self.log(run) if isinstance(event, e.AgentReplied)]


def task(seed: int, *more: str) -> tuple[str, ...]:
    """A run with lanes side by side, votes, wrong and useless answers, a branch and a loop."""
    return (
        *("run", "Sort the stars.", "--plan", str(PLAN), "--cwd", str(PLAN.parent), "--json"),
        *("--voting", "first_to_k", "--voting-k", "3", "--max-voting-samples", "40"),
        *(
            "--agent",
            "simulated",
            "--error-rate",
            "0.15",
            "--flag-rate",
            "0.1",
            "--delay-ms",
            "4",
            "--seed",
            str(seed),
        ),
        *more,
    )


def resume(run: RunId, *more: str) -> tuple[str, ...]:
    """The command that goes on with a run."""
    return ("resume", run, "--json", *more)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the lock for writing, as a second process would."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=TIMEOUT_S)) as rival:
        rival.execute("BEGIN IMMEDIATE")
        yield


def first_to_end(*sessions: Session) -> Session:
    """Wait until one of the processes has ended, and give that one."""
    by_handle = {os.pidfd_open(session.pid): session for session in sessions}
    try:
        ready, _, _ = select.select(list(by_handle), [], [], TIMEOUT_S)
        assert ready, "none of the processes ended"
        return by_handle[ready[0]]
    finally:
        for handle in by_handle:
            os.close(handle)


def _prepared(ledger: Ledger, trap: Trap, before: Callable[[], None]) -> None:
    """In the child: count what is bought, and set the trap."""
    watch(trap.reached)
    agent_for = app.agent_for

    def counted(config: TaskConfig, registry: ToolRegistry, clock: Clock) -> Agent:
        return CountedAgent(agent_for(config, registry, clock), ledger, trap.reached)

    app.agent_for = counted
    before()
