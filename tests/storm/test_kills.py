"""SIGKILL at moments that a seed chooses, resume, and so on until the run is done."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storm import oracles
from storm.harness import Storm, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]

KILLS_A_RUN = 8
MOST_EVENTS = 12
"""How far a process gets at most before it is killed."""
Count = Callable[[str, int], None]


def test_a_storm_of_kills_loses_nothing_and_buys_nothing_twice(
    tmp_path: Path,
    size: int,
    count: Count,
    undisturbed: Undisturbed,
) -> None:
    storms = (Storm(tmp_path / str(seed)) for seed in itertools.count())
    assert contradictions(storms, size, count, undisturbed) == []


def test_kills_beside_postgres_lose_nothing_either(
    tmp_path: Path,
    size: int,
    count: Count,
    undisturbed: Undisturbed,
    postgres_alone: str,
) -> None:
    storms = itertools.repeat(Storm(tmp_path / "storm", postgres_alone))
    assert contradictions(storms, max(4, size // 5), count, undisturbed) == []


def contradictions(
    storms: Iterator[Storm], most: int, count: Count, undisturbed: Undisturbed
) -> list[str]:
    """What is wrong with runs that were killed again and again, until so many kills have hit."""
    kills, found = 0, []
    for seed, storm in enumerate(storms):
        earlier = len(storm.sessions)
        kills += _killed_until_done(storm, seed, min(KILLS_A_RUN, most - kills))
        sessions, run = storm.sessions[earlier:], storm.newest()
        log = storm.log(run)
        pids = {session.pid for session in sessions}
        asked = sum(line.pid in pids for line in storm.ledger.asked())
        count("events printed", sum(len(session.printed) - 1 for session in sessions))
        count("lost", len(oracles.lost(sessions, log)))
        count("bought twice", len(oracles.twice(storm, sessions, log)))
        count("in flight when killed, bought again", asked - len(storm.answered(run)))
        found += oracles.contradictions(storm, run, undisturbed(seed), sessions)
        if kills >= most:
            break
    count("kills that hit", kills)
    return found


def _killed_until_done(storm: Storm, seed: int, kills: int) -> int:
    """Kill each process that works on a new run until so many were hit, then let it end."""
    chance, hit, earlier = random.Random(seed), 0, storm.newest_if_any()
    while True:
        newest = storm.newest_if_any()
        run = None if newest == earlier else newest
        moment = Moment.chosen(chance, MOST_EVENTS) if hit < kills else None
        session = storm(*(resume(run) if run else task(seed)), run=run, moment=moment)
        hit += session.was_killed
        if not session.was_killed:
            assert session.status == 0, session.err
            return hit
