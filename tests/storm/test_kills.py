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
        run = storm.newest()
        log, made = storm.log(run), list(storm.sessions)
        lost, twice = oracles.lost(made, log), oracles.twice(storm, made, log)
        count("kills that hit", hit)
        count("events printed", sum(len(session.printed) - 1 for session in made))
        count("lost", len(lost))
        count("bought twice", len(twice))
        in_flight = len(storm.ledger.asked()) - len(storm.answered(run))
        count("in flight when killed, bought again", in_flight)
        assert oracles.contradictions(storm, run, undisturbed(seed), made) == []
        kills += hit


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
