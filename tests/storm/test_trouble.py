"""A database that is locked, full or failing while a run writes it: nothing paid for is lost."""

from __future__ import annotations

import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.core import events as e
from maker.core.models import RunId
from maker.engine import trouble
from maker.engine.writer import LogWriter
from maker.store import engine, sql
from storm import oracles
from storm.harness import Session, Storm, locked, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Count, Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]

HELD = Moment("committed", 6, then="hold")


def quick() -> None:
    """In the child: find trouble, try again and tell of it without waiting for seconds."""
    sql.BUSY_TIMEOUT_S = LogWriter.retry_every_s = 0.02
    trouble._TELL_EVERY_S = 0.0


def quick_in_a_small_file(pages: int) -> None:
    """In the child: the same, in a database that may only grow to so many pages."""
    quick()
    engine._PRAGMAS = (*engine._PRAGMAS, f"max_page_count = {pages}")  # type: ignore[assignment]


@contextmanager
def failing(session: Session, database: Path) -> Iterator[None]:
    """No file of the process can grow beyond the size of the write-ahead log, as on a full disk."""
    size = Path(f"{database}-wal").stat().st_size
    _, hard = resource.prlimit(session.pid, resource.RLIMIT_FSIZE, (size, -1))
    yield
    with suppress(ProcessLookupError):  # it has ended
        resource.prlimit(session.pid, resource.RLIMIT_FSIZE, (hard, hard))


def bought_again(storm: Storm, first: Session) -> set[str]:
    """What other processes asked for although this one had its answer."""
    pids = {session.pid for session in storm.sessions}
    lines = [line for line in storm.ledger.lines() if line.pid in pids]
    answered = {line.key for line in lines if line.pid == first.pid and line.moment == "answered"}
    return answered & {line.key for line in lines if line.pid != first.pid}


def rescue_files(storm: Storm, run: RunId) -> list[Path]:
    return list(storm.place.glob(f"maker-rescue-{run}-*"))


@pytest.mark.parametrize("kind", ["locked", "failing"])
@pytest.mark.parametrize("commits", [4, 8])
def test_a_database_in_trouble_is_waited_for_and_the_run_goes_on(
    storm: Storm,
    undisturbed: Undisturbed,
    count: Count,
    kind: str,
    commits: int,
) -> None:
    held = Moment("committed", commits, then="hold")
    with storm.started(*task(8), moment=held, before=quick) as session:
        session.until_held()
        with locked(storm.database) if kind == "locked" else failing(session, storm.database):
            session.release()
            session.expect("waiting for", times=5)
            asked = storm.ledger.asked()
            session.expect("waiting for", times=20)
            assert storm.ledger.asked() == asked, "a call began while the database was in trouble"
        assert session.to_the_end() == 0, session.err
    assert "to be stored, and no call is started" in session.err
    assert "the database can be written again" in session.err
    count("locks and full disks outlasted", 1)
    assert oracles.contradictions(storm, session.run, undisturbed(8)) == []
    assert rescue_files(storm, session.run) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["locked", "failing"])
def test_a_signal_during_trouble_leaves_a_rescue_file_that_resume_takes(
    storm: Storm, undisturbed: Undisturbed, kind: str, number: signal.Signals
) -> None:
    with storm.started(*task(9), moment=HELD, before=quick) as session:
        session.until_held()
        with locked(storm.database) if kind == "locked" else failing(session, storm.database):
            session.release()
            session.expect("waiting for", times=5)
            session.send(number)
            assert session.end()[0] == 128 + number, session.err
    run = session.run
    (path,) = rescue_files(storm, run)
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"in the rescue file {path}: `maker resume {run}` takes them" in session.err
    assert storm(*resume(run), run=run).status == 0
    assert bought_again(storm, session) == set()
    assert rescue_files(storm, run) == []
    assert oracles.contradictions(storm, run, undisturbed(9)) == []


def test_an_end_that_could_not_be_stored_is_not_claimed(
    storm: Storm, undisturbed: Undisturbed
) -> None:
    calls = sum(isinstance(event, e.AgentReplied) for event in undisturbed(9))
    last = Moment("answered", calls, then="hold")
    with storm.started(*task(9), moment=last, before=quick) as session:
        session.until_held()
        with locked(storm.database):
            session.release()
            session.expect("waiting for", times=5)
            session.send(signal.SIGINT)
            assert session.end()[0] == 130, session.err
    run = session.run
    assert "status    running: not all of it could be stored" in session.err
    assert f"resume    maker resume {run}" in session.err
    assert "TaskCompleted" not in session.out
    assert storm(*resume(run), run=run).status == 0
    assert bought_again(storm, session) == set()
    assert oracles.contradictions(storm, run, undisturbed(9)) == []


def test_a_database_that_stays_full_ends_the_run_with_a_rescue_file(
    storm: Storm, undisturbed: Undisturbed
) -> None:
    assert storm.examined(*task(0)).status == 0
    pages = storm.database.stat().st_size // 4096 + 4
    small = partial(quick_in_a_small_file, pages)
    with storm.started(*task(10, "--patience", "0.2"), before=small) as session:
        assert session.end()[0] == 1
    run = session.run
    assert "cannot grow: the disk is full" in session.err
    assert f"resume    maker resume {run}" in session.err
    assert len(rescue_files(storm, run)) == 1
    assert storm(*resume(run, "--patience", "600"), run=run).status == 0
    assert bought_again(storm, session) == set()
    assert oracles.contradictions(storm, run, undisturbed(10)) == []


def test_who_is_overtaken_in_trouble_leaves_a_file_that_is_refused_until_it_is_moved(
    storm: Storm, undisturbed: Undisturbed
) -> None:
    with storm.started(*task(11), moment=HELD, before=quick) as session:
        session.until_held()
        run = session.run
        with locked(storm.database):
            session.release()
            session.expect("waiting for", times=5)
            session.send(signal.SIGSTOP)
        with closing(sqlite3.connect(storm.database, isolation_level=None)) as other:
            other.execute("UPDATE runs SET lease_owner = NULL, lease_expires_at = NULL")
        assert storm(*resume(run), run=run, moment=Moment("committed", 6)).was_killed
        session.send(signal.SIGCONT)
        assert session.end()[0] == 2, session.err
    (path,) = rescue_files(storm, run)
    refused = storm(*resume(run), run=run)
    assert refused.status == 2
    assert f"{path} (events" in refused.err
    assert "somebody else went on with it meanwhile" in refused.err
    path.rename(storm.place / "moved away")
    assert storm(*resume(run), run=run).status == 0
    assert oracles.contradictions(storm, run, undisturbed(11)) == []
