"""Connections to the database, set up the one right way. No statements of the store itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from maker.errors import StoreError
from maker.store import location

BUSY_TIMEOUT_S = 10.0
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 4194304",
)


def settings(url: str, *, driver: str) -> dict[str, Any]:
    """The arguments of `create_engine` for a SQLite driver, or for PostgreSQL's."""
    path = location.sqlite_path(url)
    if path is None:
        return {"url": url, "poolclass": NullPool}
    return {
        "url": sqlalchemy.URL.create(f"sqlite+{driver}", database=str(path)),
        "poolclass": NullPool,
        "connect_args": {"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
    }


def configure(engine: Engine, *, foreign_keys: bool = True) -> Engine:
    """Set the pragmas of each connection, and begin each transaction as a writing one.

    A transaction that reads first and writes later fails at once where another process wrote in
    between, whatever the timeout: so the lock is taken at the beginning.
    """
    if engine.dialect.name == "sqlite":
        sqlalchemy.event.listen(engine, "connect", partial(_set_pragmas, foreign_keys))
        sqlalchemy.event.listen(engine, "begin", _begin_immediate)
    return engine


def sync_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine for work that is done once, such as a migration."""
    try:
        made = sqlalchemy.create_engine(**settings(url, driver="pysqlite"))
        return configure(made, foreign_keys=foreign_keys)
    except (ImportError, NoSuchModuleError) as error:
        raise no_driver(url, error) from error


def no_driver(url: str, error: Exception) -> StoreError:
    """The error for a kind of database whose driver is not installed."""
    return StoreError(
        f"the database {location.shown(url)} cannot be opened: {error}",
        advice="Install the driver: pip install 'psycopg[binary]'.",
    )


def _set_pragmas(foreign_keys: bool, connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (*_PRAGMAS, f"foreign_keys = {foreign_keys:d}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
