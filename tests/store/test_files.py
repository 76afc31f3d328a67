"""The database's file: private, only where it is safe, and clear words where it cannot be."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maker.core.models import RunId
from maker.errors import StoreError, StoreTrouble
from maker.store import faults, files
from maker.store.rescue import RESERVE
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

RUN = RunId(str(uuid.UUID(int=1)))
MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
server:/export /mnt/shared nfs4 rw 0 0
tmpfs /mnt/shared/fast tmpfs rw 0 0
//nas/disk /mnt/my\\040disk cifs rw 0 0
"""


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless_umask")
async def test_database_and_log_files_are_private_under_any_umask(
    tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    folder = tmp_path / "new" / "state"
    store = SqlStore(folder / "maker.db")
    await store.append(RUN, log("a"), {}, summary())
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == dict.fromkeys(("maker.db", "maker.db-wal", "maker.db-shm", RESERVE), 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700
    await store.close()


async def test_making_a_store_touches_no_file(tmp_path: Path) -> None:
    await SqlStore(tmp_path / "state" / "maker.db").close()
    assert list(tmp_path.iterdir()) == []


async def test_an_existing_folder_keeps_its_mode(
    tmp_path: Path, log: MakeLog, summary: MakeSummary
) -> None:
    tmp_path.chmod(0o755)
    store = SqlStore(tmp_path / "maker.db")
    await store.append(RUN, log("a"), {}, summary())
    await store.close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


async def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it is a folder") as refused:
        await SqlStore(tmp_path).load(RUN)
    assert "--db" in refused.value.advice


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="its folder is not a folder"):
        await SqlStore(tmp_path / "file" / "maker.db").load(RUN)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be created"):
        await SqlStore(tmp_path / "maker.db").load(RUN)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/maker.db", None),
        ("/mnt/shared/maker.db", "nfs4"),
        ("/mnt/shared/fast/maker.db", None),
        ("/mnt/sharedness/maker.db", None),
        ("/mnt/my disk/maker.db", "cifs"),
    ],
)
def test_a_network_file_system_is_known_by_the_longest_mount_point(
    path: str, kind: str | None
) -> None:
    assert files.network_filesystem(Path(path), MOUNTS) == kind


def sqlite_error(path: Path, setup: str, statement: str, options: str = "") -> sqlite3.Error:
    with closing(sqlite3.connect(f"{path.as_uri()}{options}", uri=True, timeout=0)) as raw:
        raw.executescript(setup)
        with pytest.raises(sqlite3.Error) as raised:
            raw.executescript(statement)
    return raised.value


def test_a_full_disk_is_told_as_such_with_what_to_do(tmp_path: Path) -> None:
    error = sqlite_error(
        tmp_path / "a.db",
        "CREATE TABLE t (x); PRAGMA max_page_count = 2",
        "INSERT INTO t VALUES (zeroblob(100000))",
    )
    explained = faults.explain(error, "a.db")
    assert "the disk is full" in explained.message
    assert "resume" in explained.advice


def test_a_read_only_database_is_told_as_such_with_what_to_do(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw:
        raw.execute("CREATE TABLE t (x)")
    error = sqlite_error(tmp_path / "a.db", "", "INSERT INTO t VALUES (1)", "?mode=ro")
    explained = faults.explain(error, "a.db")
    assert "cannot be written" in explained.message
    assert "--db" in explained.advice


class PostgresError(Exception):
    """As psycopg's errors look."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("it says so\nin two lines")
        self.sqlstate = sqlstate


class OperationalError(PostgresError):
    """psycopg's name for a connection that broke."""


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (PostgresError("53100"), True),
        (PostgresError("57P01"), True),
        (PostgresError("55P03"), True),
        (OperationalError(None), True),
        (PostgresError(None), False),
        (PostgresError("42P01"), False),
        (ValueError("odd"), False),
    ],
)
def test_trouble_that_may_pass_is_told_from_what_stays(error: Exception, passes: bool) -> None:
    explained = faults.explain(error, "a.db")
    assert isinstance(explained, StoreTrouble) == passes
    assert "\n" not in explained.message


def test_a_lock_a_full_disk_and_a_failing_one_may_pass_but_not_a_read_only_file(
    tmp_path: Path,
) -> None:
    for code, passes in (
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_IOERR_WRITE, True),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_CORRUPT, False),
    ):
        error = sqlite3.OperationalError("so it is")
        error.sqlite_errorcode = code
        assert isinstance(faults.explain(error, "a.db"), StoreTrouble) == passes


def test_an_error_that_is_not_in_the_table_is_still_told_with_its_place() -> None:
    explained = faults.explain(ValueError("odd"), "a.db")
    assert "a.db" in explained.message
    assert "odd" in explained.message
