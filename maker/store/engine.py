"""Connections to the database, set up the one right way. No statements of the store itself."""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from maker.errors import StoreError
from maker.store import location

BUSY_TIMEOUT_S = 10.0
"""How long a transaction waits for the lock of another process."""
_PRAGMAS = (
    "synchronous = FULL",
    "journal_size_limit = 4194304",
)
_READING = "maker_reading"


def sync_engine(
    url: str, *, foreign_keys: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Engine:
    """An engine whose connections have their pragmas set, and whose transactions write.

    A transaction that reads first and writes later fails at once where another process wrote in
    between, whatever the timeout: so the lock is taken at the beginning.
    """
    settings: dict[str, Any] = {"url": url}
    path = location.sqlite_path(url)
    if path is not None:
        settings = {
            "url": sqlalchemy.URL.create("sqlite+pysqlite", database=str(path)),
            "connect_args": {"isolation_level": None, "timeout": busy_timeout_s},
        }
    try:
        made = sqlalchemy.create_engine(**settings, poolclass=NullPool)
    except (ImportError, NoSuchModuleError) as error:
        raise no_driver(url, error) from error
    if made.dialect.name == "sqlite":
        sqlalchemy.event.listen(
            made, "connect", partial(_set_pragmas, foreign_keys, busy_timeout_s)
        )
        sqlalchemy.event.listen(made, "begin", _begin)
    return made


def beginning(connection: Connection, *, reading: bool) -> AbstractContextManager[object]:
    """A transaction; one that only reads waits for no writer."""
    return connection.execution_options(**{_READING: reading}).begin()


def checkpoint(connection: Connection) -> None:
    """Move what is committed from the `-wal` into the file, as far as no reader is in the way."""
    cursor = connection.connection.cursor()  # the driver's: a checkpoint is in no transaction
    cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
    cursor.close()


def no_driver(url: str, error: Exception) -> StoreError:
    """The error for a kind of database whose driver is not installed."""
    return StoreError(
        f"the database {location.shown(url)} cannot be opened: {error}",
        advice="Install the driver: pip install 'psycopg[binary]'.",
    )


def _set_pragmas(foreign_keys: bool, busy_timeout_s: float, connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    _use_wal(cursor, busy_timeout_s)
    for pragma in (*_PRAGMAS, f"foreign_keys = {foreign_keys:d}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: Any, busy_timeout_s: float) -> None:
    """Switch to a write-ahead log; where others do so at this moment, SQLite does not wait."""
    end = time.monotonic() + busy_timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
