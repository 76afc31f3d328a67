"""Files that are damaged while nobody looks: what is found, and that nothing worse happens."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.store import heads
from storm import oracles
from storm.harness import Storm, resume, task
from storm.moments import Moment

if TYPE_CHECKING:
    from storm.conftest import Count, Undisturbed

pytestmark = [pytest.mark.storm, pytest.mark.slow]

CODES = {0, 2, 6}
"""How a command may end that meets a damaged database."""
COMMANDS = (
    ("history",),
    ("show", "@last"),
    ("verify", "@last"),
    ("replay", "@last"),
    ("resume", "@last", "--max-samples", "none"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    """A database with two finished runs and one that waits."""
    storm = Storm(tmp_path_factory.mktemp("finished"))
    for more in ((), (), ("--max-samples", "3")):
        storm(*task(8, *more))
    return storm


def contents(database: Path) -> list[list[dict[str, object]]]:
    """Every row of every table, but for leases: they follow from nothing, and pass with time.

    In the words of the schema capitals mean nothing.
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        tables = ("runs", "events", "blobs", "alembic_version", "sqlite_master")
        return [
            [
                {
                    name: str(value).lower() if name == "sql" else value
                    for name, value in dict(row).items()
                    if name[:6] != "lease_"
                }
                for row in connection.execute(f"SELECT * FROM {table}")
            ]
            for table in tables
        ]


def damaged(original: Storm, place: Path, damage: Callable[[bytearray], None]) -> Storm:
    """A copy of the database, and of the heads noted beside it, with this done to its bytes."""
    storm = Storm(place)
    shutil.copy(heads.file_of(original.database), place)
    content = bytearray(original.database.read_bytes())
    damage(content)
    storm.database.write_bytes(content)
    return storm


def unnoticed(storm: Storm, original: Storm) -> str:
    """What a check that finds nothing has overlooked; empty where there is nothing to find."""
    check = storm.examined("db", "check")
    if check.status == 6:
        return ""
    if check.status != 0:
        return f"db check ended with {check.status}: {check.err}"
    try:
        same = contents(storm.database) == contents(original.database)
    except sqlite3.Error as error:
        return f"db check found nothing, SQLite says: {error}"
    return "" if same else "db check found nothing, but the contents differ"


def harmed(storm: Storm, command: tuple[str, ...]) -> Iterator[str]:
    """What a command does that it must not do when it meets the damage."""
    session = storm.examined(*command)
    if session.status not in CODES or "Traceback" in session.err:
        yield f"{' '.join(command)}: {session.status}: {session.err}"


def test_flipped_bytes_are_found_or_harmless(
    finished: Storm, tmp_path: Path, size: int, count: Count
) -> None:
    overlooked = []
    for seed in range(size):
        chance = random.Random(seed)

        def flip(content: bytearray, chance: random.Random = chance) -> None:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)

        storm = damaged(finished, tmp_path / str(seed), flip)
        found = unnoticed(storm, finished)
        overlooked += [f"seed {seed}: {found}"] if found else []
        overlooked += [
            f"seed {seed}: {text}" for text in harmed(storm, COMMANDS[seed % len(COMMANDS)])
        ]
        count("bytes flipped", 1)
        shutil.rmtree(storm.place)
    count("flips overlooked", len(overlooked))
    assert overlooked == []


def _cut_off(content: bytearray, length: int) -> None:
    del content[length:]


def test_a_database_that_is_cut_off_is_found_to_be(
    finished: Storm, tmp_path: Path, size: int, count: Count
) -> None:
    whole = finished.database.stat().st_size
    overlooked = []
    for seed in range(size):
        length = random.Random(seed).choice((0, 1, 100, 4096, *range(0, whole, 4096), whole - 1))
        storm = damaged(finished, tmp_path / str(seed), partial(_cut_off, length=length))
        found = unnoticed(storm, finished)
        overlooked += [f"length {length}: {found}"] if found else []
        overlooked += [
            f"length {length}: {text}" for text in harmed(storm, COMMANDS[seed % len(COMMANDS)])
        ]
        count("truncations", 1)
        shutil.rmtree(storm.place)
    count("truncations overlooked", len(overlooked))
    assert overlooked == []


@pytest.mark.parametrize("paused", [False, True])
def test_a_torn_write_ahead_log_leaves_a_beginning_that_can_be_gone_on_with(
    tmp_path: Path,
    size: int,
    count: Count,
    undisturbed: Undisturbed,
    paused: bool,
) -> None:
    for seed in range(max(2, size // 10)):
        chance, storm = random.Random(seed), Storm(tmp_path / str(seed))
        run = storm(*task(9, "--max-samples", "3")).run if paused else None
        kept = len(storm.log(run)) if run else 0
        command = resume(run, "--max-samples", "none") if run else task(9)
        session = storm(*command, moment=Moment("asked", chance.randint(2, 15)))
        assert session.was_killed
        run = storm.newest()
        before = storm.log(run)
        _tear(Path(f"{storm.database}-wal"), chance)
        after = storm.log(run)
        assert after == before[: len(after)]
        assert len(after) >= kept, "what stood at the pause was in the database itself"
        count("torn logs", 1)
        count("events torn off", len(before) - len(after))
        if after:
            resumed = storm(*resume(run, "--max-samples", "none"), run=run)
            assert resumed.status == 0, resumed.err
            assert oracles.contradictions(storm, run, undisturbed(9), [resumed]) == []
        else:
            assert storm.examined("history").status == 0


def _tear(log: Path, chance: random.Random) -> None:
    """What a disk may do to the end of a file that was being written."""
    content = bytearray(log.read_bytes())
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        del content[place:]
    else:
        content[place : place + 512] = chance.randbytes(min(512, len(content) - place))
    log.write_bytes(content)
