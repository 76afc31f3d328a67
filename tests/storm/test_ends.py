"""Processes that are told to end, or whose streams go away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from storm import oracles
from storm.harness import Storm, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("number", CODES)
def test_a_signal_pauses_the_run_however_often_it_comes(
    storm: Storm, undisturbed: Undisturbed, number: signal.Signals, times: int
) -> None:
    for calls in (1, 5, 9):
        run, moment = storm.newest_if_any(), Moment("asked", calls, then="hold")
        with storm.started(*(resume(run) if run else task(4)), run=run, moment=moment) as session:
            session.until_held()
            for _ in range(times):
                session.send(number)
            session.release()
            assert session.end()[0] == CODES[number], session.err
        assert "maker resume" in session.err
    run = storm.newest()
    assert storm(*resume(run), run=run).status == 0
    assert oracles.contradictions(storm, run, undisturbed(4)) == []


@pytest.mark.parametrize("calls", [1, 9])
def test_a_reader_that_goes_away_pauses_the_run(
    storm: Storm, undisturbed: Undisturbed, calls: int
) -> None:
    with storm.started(*task(5), moment=Moment("asked", calls, then="hold")) as session:
        session.until_held()
        session.close_stdout()
        session.release()
        assert session.end()[0] == 141
    run = session.run
    assert storm(*resume(run), run=run).status == 0
    assert oracles.contradictions(storm, run, undisturbed(5)) == []


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_do_not_become_the_database(
    storm: Storm, undisturbed: Undisturbed, closed: str
) -> None:
    command = [sys.executable, "-m", "maker", *task(6)]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        env={**os.environ, "MAKER_DATABASE_URL": str(storm.database)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert oracles.contradictions(storm, storm.newest(), undisturbed(6)) == []
