"""Read-only access to a database, quick to load: SQLite is read through the driver alone.

SQLAlchemy takes longer to import than `maker history` has in all, so only PostgreSQL is read
through it. Every statement is a short transaction of its own: an open reader stops no writer, and
keeps the write-ahead log from growing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from maker.errors import StoreError
from maker.store import faults, files, location, versions

Row: TypeAlias = Mapping[str, Any]
Fetch: TypeAlias = Callable[[str, Mapping[str, Any]], Sequence[Row]]
"""Runs a statement with `:name` parameters and gives its rows."""


@contextmanager
def opened(url: str) -> Iterator[Fetch]:
    """Open the database for reading; one that does not exist yet has no rows."""
    path = location.sqlite_path(url)
    if path is None:
        with _postgres(url) as fetch:
            yield fetch
    elif not path.exists():
        yield lambda _statement, _values: []
    else:
        with _sqlite(path) as fetch:
            yield fetch


@contextmanager
def _sqlite(path: Path) -> Iterator[Fetch]:
    files.require_file(path)

    def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[Row]:
        try:
            rows: list[Any] = connection.execute(statement, values).fetchall()
            return rows
        except sqlite3.Error as error:
            raise faults.explain(error, str(path)) from error

    try:
        connection = _connected(path)
    except sqlite3.Error as error:
        raise faults.explain(error, str(path)) from error
    with closing(connection):
        connection.row_factory = sqlite3.Row
        yield _readable(fetch, versions.sqlite_state, str(path))


def _connected(path: Path) -> sqlite3.Connection:
    """A read-only connection, after SQLite has undone what a killed process left half done."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10.0)
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        connection.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as writable:
            writable.execute("PRAGMA user_version")
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10.0)
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
            return lambda _statement, _values: []
        case "current" | "readable":
            return fetch
        case "old":
            raise StoreError(
                f"the database {place} was written by an older maker",
                advice="Bring it up to date: maker db upgrade",
            )
