"""Several processes that want the same run, or the same database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from maker.core.models import RunId
from maker.engine.claim import Claim
from storm import oracles
from storm.harness import Session, Storm, first_to_end, locked, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]


def short_lease() -> None:
    """In the child: hold the run for so short a time that a test can wait for its end."""
    Claim.lease_s = 0.5


@pytest.mark.parametrize("seed", [1, 2])
def test_of_two_resumers_one_wins_and_the_other_buys_nothing(
    storm: Storm, undisturbed: Undisturbed, seed: int
) -> None:
    storm(*task(seed), moment=Moment("asked", 3))
    run = storm.newest()
    held = Moment("asked", 1, then="hold")
    with (
        storm.started(*resume(run), run=run, moment=held) as one,
        storm.started(*resume(run), run=run, moment=held) as two,
    ):
        loser = first_to_end(one, two)
        winner = two if loser is one else one
        assert loser.end()[0] == 2
        assert f"is being worked on by process {winner.pid}" in loser.err
        winner.release()
        assert winner.end()[0] == 0
    assert loser.pid not in {line.pid for line in storm.ledger.lines()}
    assert oracles.contradictions(storm, run, undisturbed(seed)) == []


def test_eight_runs_are_written_into_one_database_at_once(
    storm: Storm, undisturbed: Undisturbed
) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(storm.started(*task(seed))) for seed in range(8)]
        for session in sessions:
            assert session.to_the_end() == 0, session.err
    for seed, session in enumerate(sessions):
        assert oracles.contradictions(storm, session.run, undisturbed(seed), [session]) == []


@pytest.mark.parametrize("answers", [1, 4, 9])
def test_a_stopped_writer_that_wakes_after_a_takeover_buys_nothing(
    storm: Storm, undisturbed: Undisturbed, answers: int
) -> None:
    held = Moment("answered", answers, then="hold")
    with storm.started(*task(3), moment=held, before=short_lease) as sleeper:
        sleeper.until_held()
        with locked(storm.database):  # who is stopped inside of a commit keeps everybody out
            sleeper.stop()
        run = storm.newest()
        taken = _taken_over(storm, run)
        assert taken.status == 0, taken.err
        bought = storm.ledger.asked()
        sleeper.send(signal.SIGCONT)
        sleeper.release()
        code, _ = sleeper.end()
    assert storm.ledger.asked() == bought
    assert code == 2, sleeper.err
    assert "is being worked on by" in sleeper.err or "its log ends elsewhere" in sleeper.err
    assert oracles.contradictions(storm, run, undisturbed(3)) == []


def _taken_over(storm: Storm, run: RunId, *more: str) -> Session:
    """The first `resume` that is let in: the lease of a process that lives must run out first."""
    while True:
        session = storm(*resume(run, *more), run=run)
        if session.status != 2:
            return session
        assert "is being worked on by" in session.err, session.err


CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Starts a program that sees no processes but its own, as in a container."""
PROGRAM = """
import sys
from maker.cli.main import main
from maker.engine.claim import Claim

Claim.lease_s = 2.0
sys.exit(main(sys.argv[1:]))
"""


def can_contain() -> bool:
    """Whether this system lets us start a container's process."""
    return subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def container(storm: Storm, *command: str) -> Iterator[None]:
    """Carry out the command in a container, from its first step on, until the block ends."""
    environ = {**os.environ, "MAKER_DATABASE_URL": str(storm.database)}
    program = [*CONTAINER, sys.executable, "-c", PROGRAM, *command]
    with subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("StepStarted" in line for line in process.stdout)
            yield
        finally:
            process.kill()


@pytest.mark.skipif(not can_contain(), reason="may not start a process with pids of its own")
def test_a_containers_run_is_taken_over_once_its_lease_has_run_out(storm: Storm) -> None:
    with container(storm, *task(10), "--delay-ms", "600000"):
        run = storm.newest()
        refused = [storm(*resume(run, "--delay-ms", "4"), run=run) for _ in range(3)]
    assert [session.status for session in refused] == [2, 2, 2], refused[0].err
    assert storm.ledger.lines() == []
    assert _taken_over(storm, run, "--delay-ms", "4").status == 0
