"""Whether a database is ours, and of which version, found out without SQLAlchemy or Alembic."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from maker.errors import LogDamaged, StoreError
from maker.store import ddl, faults

State = Literal["fresh", "current", "readable", "old"]
"""`readable`: of an older version, which readers understand as it is."""
Ask = Callable[[str], Sequence[Any]]
"""Runs a statement and gives its first row."""

# One statement, because another process may create the schema at the same moment.
_SQLITE = """
    SELECT (SELECT application_id FROM pragma_application_id),
        (SELECT user_version FROM pragma_user_version), count(*),
        count(*) FILTER (WHERE name IN ('runs', 'events', 'blobs', 'alembic_version'))
    FROM sqlite_master"""


def sqlite_state(ask: Ask, place: str) -> State:
    """The state of an open SQLite database. Raises StoreError for a newer or a foreign one."""
    application, version, tables, ours = ask(_SQLITE)
    if application == ddl.APPLICATION_ID:
        if version > ddl.VERSION:
            # It notes its version in the header and in a table: one of them alone is damage.
            (revision,) = ask("SELECT max(version_num) FROM alembic_version")
            if revision != f"{version:04d}":
                raise _damaged(place, f"its header says version {version}, its table {revision}")
        return _compare(version, place)
    if ours == 4:
        raise _damaged(place, f"its header does not say that it is maker's ({application})")
    if tables or version:
        raise StoreError(
            f"{place} is a database of another program",
            advice="Choose another place with --db or MAKER_DATABASE_URL.",
        )
    return "fresh"


def postgres_state(ask: Ask, place: str) -> State:
    """The state of an open PostgreSQL database. Raises StoreError for a newer one."""
    (table,) = ask("SELECT to_regclass('alembic_version')")
    if table is None:
        return "fresh"
    (revision,) = ask("SELECT version_num FROM alembic_version")
    return _compare(int(revision), place)


def file_state(path: Path) -> State:
    """The state of a SQLite file. Raises StoreError where it cannot be read."""
    connection = sqlite3.connect(path, timeout=10.0)
    try:
        return sqlite_state(lambda sql: connection.execute(sql).fetchone(), str(path))
    except faults.OF_SQLITE as error:
        raise faults.explain(error, str(path)) from error
    finally:
        connection.close()


def _damaged(place: str, how: str) -> LogDamaged:
    return LogDamaged(
        f"the database {place} is damaged: {how}", advice="Restore the file from a backup."
    )


def _compare(version: int, place: str) -> State:
    if version > ddl.VERSION:
        raise StoreError(
            f"the database {place} was written by a newer maker: its schema has version {version}, "
            f"this maker knows {ddl.VERSION}",
            advice="Install a newer maker, or choose another database with --db.",
        )
    if version == ddl.VERSION:
        return "current"
    return "readable" if version >= ddl.OLDEST_READABLE else "old"
