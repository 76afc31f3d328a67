"""Read-only access to a database, quick to load: SQLite is read through the driver alone.

SQLAlchemy takes longer to import than `maker history` has in all, so only PostgreSQL is read
through it. Every statement is a short transaction of its own: an open reader stops no writer, and
keeps the write-ahead log from growing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from maker.errors import LogDamaged, StoreError
from maker.store import faults, files, heads, location, versions
from maker.store.rows import Fetch, Row

_NO_WAL_INDEX = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""What SQLite says where it cannot make the files that a write-ahead log needs."""


class Opened(NamedTuple):
    """A database that is open for reading; `note`: what should be known about how it is read.

    `is_empty`: there is a file, but nothing in it, as after a creation that was cut short.
    """

    fetch: Fetch
    note: str = ""
    is_empty: bool = False


@contextmanager
def opened(url: str) -> Iterator[Opened]:
    """Open the database for reading; one that does not exist yet has no rows."""
    path = location.sqlite_path(url)
    if path is None:
        with _postgres(url) as fetch:
            yield Opened(fetch)
    elif not files.is_there(path):
        yield Opened(_nothing)
    elif files.is_empty(path):
        if heads.read(path).heads:
            raise emptied(path)
        yield Opened(_nothing, f"{path} is empty", is_empty=True)
    else:
        with _sqlite(path) as database:
            yield database


def emptied(path: Path) -> LogDamaged:
    """The error for a file without content: even a database without runs has some."""
    noted = heads.read(path).heads
    lost = f" ({heads.file_of(path)} notes {', '.join(list(noted)[:3])})" if noted else ""
    return LogDamaged(
        f"the database {path} is empty: what it held is lost{lost}",
        advice="Restore it from a backup. If it never held a run, delete the file.",
    )


def _nothing(statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
    return []


@contextmanager
def _sqlite(path: Path) -> Iterator[Opened]:
    def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
        try:
            rows: list[Any] = connection.execute(statement, values).fetchall()
            return rows
        except faults.OF_SQLITE as error:
            raise faults.explain(error, str(path)) from error

    try:
        connection, note = connected(path)
    except faults.OF_SQLITE as error:
        raise faults.explain(error, str(path)) from error
    with closing(connection):
        connection.row_factory = sqlite3.Row
        # What is no text shows as such in one row, and keeps no other from being read.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        yield Opened(_readable(fetch, versions.sqlite_state, str(path)), note)


def connected(path: Path) -> tuple[sqlite3.Connection, str]:
    """A read-only connection, and a note where the file cannot be written or not be read whole."""
    note = "" if os.access(path, os.W_OK) else f"{path} is not yours to write: it is only read"
    try:
        return _attached(path, "mode=ro"), note
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
            # SQLite undoes what a killed process left half done, but not on a read-only connection.
            _attached(path, "mode=rw").close()
            return _attached(path, "mode=ro"), note
        if error.sqlite_errorcode & 0xFF not in _NO_WAL_INDEX or not os.access(path, os.R_OK):
            raise
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size > 0:
        note = (
            f"{path} and its folder are not yours to write: the newest events, which are still in "
            f"{wal.name}, are not shown"
        )
    return _attached(path, "immutable=1"), note


def _attached(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=10.0)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _postgres(url: str) -> Iterator[Fetch]:
    # Imported here because it takes longer than a command on a SQLite file takes in all.
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from maker.store import engine

    def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
        with connection.begin():
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    try:
        with engine.sync_engine(url).connect() as connection:
            yield _readable(fetch, versions.postgres_state, location.shown(url))
    except SQLAlchemyError as error:
        raise faults.explain(error, location.shown(url)) from error


def _readable(
    fetch: Fetch, state: Callable[[versions.Ask, str], versions.State], place: str
) -> Fetch:
    def ask(sql: str) -> Sequence[Any]:
        (row,) = fetch(sql, {})
        return [row[name] for name in row.keys()]  # noqa: SIM118 - sqlite3.Row is iterated by value

    match state(ask, place):
        case "fresh":
            return _nothing
        case "current" | "readable":
            return fetch
        case "old":
            raise StoreError(
                f"the database {place} was written by an older maker",
                advice="Bring it up to date: maker db upgrade",
            )
