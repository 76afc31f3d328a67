"""Clocks that jump while a run is under way, and between its sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from maker.engine.clock import SystemClock
from storm import oracles
from storm.harness import Storm, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]

DAY_S = 86_400.0


def jump(seconds: float, after: int) -> None:
    """In the child: after so many readings the clock of the machine is set anew."""
    real: Callable[[SystemClock], float] = SystemClock.now
    readings = 0

    def now(clock: SystemClock) -> float:
        nonlocal readings
        readings += 1
        return real(clock) + (seconds if readings > after else 0.0)

    SystemClock.now = now  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("seconds", [DAY_S, -DAY_S, 400 * DAY_S])
def test_a_clock_that_jumps_changes_times_and_nothing_else(
    storm: Storm, undisturbed: Undisturbed, seconds: float
) -> None:
    for after in (6, 0):
        run = storm.newest_if_any()
        session = storm(
            *(resume(run) if run else task(7)),
            run=run,
            moment=Moment("asked", 7),
            before=partial(jump, seconds, after),
        )
        assert session.was_killed
    assert storm.examined("history").status == 0
    run = storm.newest()
    session = storm("resume", "@last", "--json", run=run)
    assert session.status == 0, session.err
    assert oracles.contradictions(storm, run, undisturbed(7)) == []
