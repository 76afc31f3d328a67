"""An oracle that cannot say no is none: each is shown what it looks for."""

from __future__ import annotations

import pytest

from maker.core import events as e
from storm import oracles
from storm.harness import Storm, task

pytestmark = [pytest.mark.storm, pytest.mark.slow]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    """A run to which nothing happened."""
    storm = Storm(tmp_path_factory.mktemp("whole"))
    storm(*task(1))
    return storm


def test_an_undisturbed_run_is_contradicted_by_nothing(whole: Storm) -> None:
    run = whole.newest()
    assert run is not None
    assert oracles.contradictions(whole, run, whole.log(run)) == []


def test_a_missing_and_a_changed_event_are_lost(whole: Storm) -> None:
    log = whole.log(whole.sessions[0].run)
    assert len(oracles.lost(whole.sessions, log[:-1])) == 1
    changed = [*log[:-1], e.TaskFailed(error="x", step=0)]
    assert len(oracles.lost(whole.sessions, changed)) == 1


def test_a_reply_that_had_landed_and_is_asked_for_again_is_bought_twice(whole: Storm) -> None:
    (session,) = whole.sessions
    log = whole.log(session.run)
    key = whole.answered(session.run)[0]
    session.landed = frozenset({key})
    assert oracles.twice(whole, [session], log) == [f"bought again: {key}"]
    session.landed = frozenset()
    replied = next(event for event in log if isinstance(event, e.AgentReplied))
    twice = oracles.twice(whole, [session], [*log, replied])
    assert twice == [f"answered twice in the log: {replied.key}"]
