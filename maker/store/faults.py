"""What the database's own errors mean, and what the user can do about each."""

from __future__ import annotations

import sqlite3

from maker.errors import StoreError

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
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", f"Move the file away, or {_ELSEWHERE}"),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "See `maker db check`, and restore the file from a backup.",
    ),
}


def explain(error: BaseException, place: str) -> StoreError:
    """The error of a database driver as one that says what to do; `place` is printable."""
    code = getattr(error, "sqlite_errorcode", None)
    known = _MEANINGS.get(code & 0xFF) if isinstance(code, int) else None
    if known is None:
        advice = "Check that it can be reached, then see `maker db check`."
        return StoreError(f"the database {place} failed: {error}", advice=advice)
    meaning, advice = known
    return StoreError(f"the database {place} {meaning} ({error})", advice=advice)
