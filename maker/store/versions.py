"""Whether a database is ours, and of which version, found out without SQLAlchemy or Alembic."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from maker.errors import StoreError
from maker.store import ddl, faults

State = Literal["fresh", "current", "old"]
Ask = Callable[[str], Any]
"""Runs a statement and gives the first column of its first row."""


def sqlite_state(ask: Ask, place: str) -> State:
    """The state of an open SQLite database. Raises StoreError for a newer or a foreign one."""
    if ask("PRAGMA application_id") == ddl.APPLICATION_ID:
        return _compare(ask("PRAGMA user_version"), place)
    if ask("SELECT count(*) FROM sqlite_master") or ask("PRAGMA user_version"):
        raise StoreError(
            f"{place} is a database of another program",
            advice="Choose another place with --db or MAKER_DATABASE_URL.",
        )
    return "fresh"


def postgres_state(ask: Ask, place: str) -> State:
    """The state of an open PostgreSQL database. Raises StoreError for a newer one."""
    if ask("SELECT to_regclass('alembic_version')") is None:
        return "fresh"
    return _compare(int(ask("SELECT version_num FROM alembic_version")), place)


def file_state(path: Path) -> State:
    """The state of a SQLite file. Raises StoreError where it cannot be read."""
    connection = sqlite3.connect(path, timeout=10.0)
    try:
        return sqlite_state(lambda sql: connection.execute(sql).fetchone()[0], str(path))
    except sqlite3.Error as error:
        raise faults.explain(error, str(path)) from error
    finally:
        connection.close()


def _compare(version: int, place: str) -> State:
    if version > ddl.VERSION:
        raise StoreError(
            f"the database {place} was written by a newer maker: its schema has version {version}, "
            f"this maker knows {ddl.VERSION}",
            advice="Install a newer maker, or choose another database with --db.",
        )
    return "current" if version == ddl.VERSION else "old"
