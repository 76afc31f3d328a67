"""A copy of a database that is whole, checked, and as old as its beginning, while runs write on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from maker.core.models import RunId
from maker.errors import ConfigError, LogDamaged, NoDatabase, StoreError
from maker.store import check, faults, files, heads, location, reading
from maker.store.integrity import Head
from maker.store.queries import Reader


def backup(url: str, target: Path, *, overwrite: bool = False) -> check.DatabaseReport:
    """Copy a SQLite database into a file, check the copy, and note beside it where logs end.

    The file comes to its place whole or not at all. Raises ConfigError, NoDatabase, StoreError,
    and LogDamaged where the copy is not sound, because the database is not.
    """
    source = location.sqlite_path(location.normal(url))
    if source is None:
        raise ConfigError(
            "a PostgreSQL database is not copied by maker", advice="Use pg_dump, or its backups."
        )
    if not files.is_there(source):
        raise NoDatabase(f"there is no database {source}", advice="There is nothing to copy yet.")
    _require_place(source, target, overwrite=overwrite)
    with _beside(target) as new:
        noted = heads.read(source).heads
        _copy(source, new)
        heads.note(new, noted)
        report = check.check(str(new))
        if report.problems:
            raise LogDamaged(
                f"the copy is not sound, so {target} was not written: {report.problems[0]}",
                advice="The database itself is damaged: see `maker db check`.",
            )
        heads.clear(new)
        heads.note(new, _ends(new))
        heads.clear(target)
        new.replace(target)
        heads.file_of(new).replace(heads.file_of(target))
    _sync_folder(target.parent)
    return report


def _require_place(source: Path, target: Path, *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise NoDatabase(f"there is no folder {target.parent}", advice="Make it first.")
    if not files.is_there(target):
        return
    if target.samefile(source):
        raise ConfigError(f"{target} is the database itself", advice="Name another file.")
    if not overwrite:
        raise ConfigError(
            f"{target} exists already", advice="Name another file, or overwrite it with --force."
        )
    for suffix in ("-wal", "-journal"):
        log = target.with_name(f"{target.name}{suffix}")
        if log.exists():
            raise ConfigError(
                f"{target} is a database in use, or was not closed: there is {log}",
                advice="Name another file: SQLite would take that log for one of the copy.",
            )


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A new private file in the same folder, which is gone afterwards if it was not moved."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from error
    os.close(descriptor)
    new = Path(name)
    try:
        yield new
    finally:
        for path in (new, heads.file_of(new)):
            path.unlink(missing_ok=True)


def _copy(source: Path, new: Path) -> None:
    """Copy all pages in one read transaction; writers go on meanwhile."""
    try:
        connection, _ = reading.connected(source)
        with closing(connection), closing(sqlite3.connect(new)) as copy:
            connection.backup(copy)
            # A file that keeps no log beside it can be read where nothing can be written.
            copy.execute("PRAGMA journal_mode = DELETE")
    except faults.OF_SQLITE as error:
        raise faults.explain(error, str(source)) from error


def _ends(database: Path) -> dict[RunId, Head]:
    with Reader(str(database)) as reader:
        return {
            row.run_id: Head(row.head_seq, bytes.fromhex(row.head_hash))
            for row in reader.runs(limit=None)
        }


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
