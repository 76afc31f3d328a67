"""SIGKILL at moments that a seed chooses, resume, and so on until the run is done."""

from __future__ import annotations

import itertools
import random

import pytest

from storm import oracles
from storm.harness import Storm, resume, task
from storm.moments import Moment

pytestmark = [pytest.mark.storm, pytest.mark.slow]

KILLS_A_RUN = 8
MOST_EVENTS = 12
"""How far a process gets at most before it is killed."""


def test_a_storm_of_kills_loses_nothing_and_buys_nothing_twice(tmp_path, size, count, undisturbed):
    kills = 0
    for seed in itertools.count():
        if kills >= size:
            break
        storm = Storm(tmp_path / str(seed))
        hit = _killed_until_done(storm, seed, min(KILLS_A_RUN, size - kills))
        count("kills that hit", hit)
        _look_at(storm, count)
        assert oracles.contradictions(storm, storm.newest(), undisturbed(seed)) == []
        kills += hit


def test_kills_beside_postgres_lose_nothing_either(
    tmp_path, size, count, undisturbed, postgres_alone
):
    storm = Storm(tmp_path / "storm", postgres_alone)
    count("kills that hit", _killed_until_done(storm, 11, max(4, size // 10)))
    _look_at(storm, count)
    assert oracles.contradictions(storm, storm.newest(), undisturbed(11)) == []


def _look_at(storm: Storm, count) -> None:
    """Keep the figures of a storm that has passed."""
    run = storm.newest()
    log, sessions = storm.log(run), storm.sessions
    count("events printed", sum(len(session.printed) - 1 for session in sessions))
    count("lost", len(oracles.lost(sessions, log)))
    count("bought twice", len(oracles.twice(storm, sessions, log)))
    in_flight = len(storm.ledger.asked()) - len(storm.answered(run))
    count("in flight when killed, bought again", in_flight)


def _killed_until_done(storm: Storm, seed: int, kills: int) -> int:
    """Kill each process that works on the run until so many were hit, then let it end."""
    chance, hit = random.Random(seed), 0
    while True:
        run = storm.newest()
        moment = Moment.chosen(chance, MOST_EVENTS) if hit < kills else None
        session = storm(*(resume(run) if run else task(seed)), run=run, moment=moment)
        hit += session.was_killed
        if not session.was_killed:
            assert session.status == 0, session.err
            return hit
