"""A database whose creation was cut short by a kill can be read, and then used."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from maker.errors import StoreError
from maker.store import migrate
from maker.store.queries import Reader


def cut_short(folder: Path) -> Path:
    """A copy of a database, taken in the middle of a transaction of the old kind of journal."""
    path, copy = folder / "whole.db", folder / "cut.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE draft (x)")
    connection.execute("DROP TABLE draft")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE half (x)")
    connection.execute("PRAGMA cache_size = 1")
    connection.executemany("INSERT INTO half VALUES (?)", [("x" * 3000,)] * 50)
    for suffix in ("", "-journal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    connection.execute("ROLLBACK")
    connection.close()
    return copy


def test_what_a_killed_creation_left_is_undone_by_the_first_reader(tmp_path: Path) -> None:
    path = cut_short(tmp_path)
    with Reader(str(path)) as reader:
        assert reader.runs() == []
    migrate.prepare(str(path))
    with Reader(str(path)) as reader:
        assert reader.runs() == []


def test_a_damaged_database_is_still_told_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    path.write_bytes(b"this is not a database, but it is long enough to be looked at" * 20)
    with pytest.raises(StoreError, match="is not a SQLite database"), Reader(str(path)):
        raise AssertionError("it was opened")
