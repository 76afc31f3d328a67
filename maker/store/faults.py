"""What the database's own errors mean, and what the user can do about each."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from maker.core.text import one_line
from maker.errors import LogDamaged, NoDatabase, StoreError, StoreTrouble
from maker.store import files, heads

OF_SQLITE = (sqlite3.Error, UnicodeDecodeError)
"""What the driver raises; it cannot even read a message about a damaged name."""
_ELSEWHERE = "choose another database with --db or MAKER_DATABASE_URL."
_MEANINGS = {
    sqlite3.SQLITE_BUSY: ("is locked by another process", "Wait until it is done and try again."),
    sqlite3.SQLITE_LOCKED: ("is locked by another process", "Wait until it is done and try again."),
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        f"Make the file and its folder writable for you, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_PERM: ("may not be opened", f"Mend its permissions, or {_ELSEWHERE}"),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        f"Check that its folder exists and is writable for you, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "Free some space, then resume the run: everything that was reported is stored.",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "Check the disk, then `maker db check`.",
    ),
}
_RESTORE = "See `maker db check`, and restore the file from a backup."
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_ERROR: "is damaged: its tables are not those that maker made",
}
"""The statements are always the same: what they do not find was there once."""


_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
    }
)
_PASSING_SQLSTATES = ("08", "40", "53", "55", "57", "58")
"""PostgreSQL's classes: connection, rollback, resources, state, operator, system."""


def explain(error: BaseException, place: str) -> StoreError:
    """The error of a database driver as one that says what to do; `place` is printable.

    A StoreTrouble where the same statement may succeed a little later.
    """
    code = getattr(error, "sqlite_errorcode", None)
    damage = _damage(error, code, place)
    if damage:
        return LogDamaged(f"the database {place} {damage} ({error})", advice=_RESTORE)
    if isinstance(code, int) and code & 0xFF == sqlite3.SQLITE_NOTADB:
        advice = f"Move the file away, or {_ELSEWHERE}"
        return NoDatabase(f"{place} is not a SQLite database", advice=advice)
    code = code & 0xFF if isinstance(code, int) else None
    state = getattr(error, "sqlstate", "")  # psycopg's; an error without it is a lost connection
    is_lost = state is None and type(error).__name__ == "OperationalError"
    is_passing = code in _PASSING or is_lost or (state or "")[:2] in _PASSING_SQLSTATES
    kind = StoreTrouble if is_passing else StoreError
    if code not in _MEANINGS:
        advice = "Check that it can be reached, then see `maker db check`."
        return kind(f"the database {place} failed: {one_line(str(error), 300)}", advice=advice)
    meaning, advice = _MEANINGS[code]
    return kind(f"the database {place} {meaning} ({error})", advice=advice)


def _damage(error: BaseException, code: object, place: str) -> str:
    """How the database is damaged, if that is what the error says."""
    if not isinstance(code, int):
        is_no_text = isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error)
        return "is damaged: a text in it is none" if is_no_text else ""
    if code & 0xFF == sqlite3.SQLITE_NOTADB:
        path = Path(place)
        was_one = heads.read(path).heads or files.begins_like_a_database(path)
        return "is damaged: its first page makes no sense" if was_one else ""
    return _DAMAGE.get(code & 0xFF, "")
