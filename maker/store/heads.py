"""Where each log ended when its run last stopped, noted in a file beside the database.

A chain of hashes that has lost its end is still whole, and so is a row that was cut with it: only
what is noted outside of the database can tell. PostgreSQL databases have no such file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import LogDamaged
from maker.store.files import identity
from maker.store.integrity import Head

_TITLE = "# run, last event and its hash, as of the run's last stop: see `maker verify --help`"
_LINE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([1-9]\d{0,17}) ([0-9a-f]{64})")


class Notes(Struct, frozen=True):
    """The heads that a file notes, by run, and how many of its lines nobody can read.

    `refusal` is why the file could not be read at all.
    """

    heads: dict[RunId, Head] = {}
    unreadable: int = 0
    refusal: str = ""


def file_of(database: Path) -> Path:
    """Where the heads of a database are noted."""
    return database.with_name(f"{database.name}-heads")


def read(database: Path) -> Notes:
    """What is noted beside the database; nothing where there is no such file."""
    try:
        content = file_of(database).read_bytes()
    except FileNotFoundError:
        return Notes()
    except OSError as error:
        return Notes(refusal=error.strerror or str(error))
    heads, unreadable = {}, 0
    for line in content.decode("ascii", errors="replace").splitlines():
        fields = _LINE.fullmatch(line)
        if fields:
            heads[RunId(fields[1])] = Head(int(fields[2]), bytes.fromhex(fields[3]))
        elif line != _TITLE:
            unreadable += 1
    return Notes(heads, unreadable)


def note(database: Path, ends: Mapping[RunId, Head]) -> None:
    """Note where these logs end. A note is never taken back to an earlier event.

    A log that is shorter than its note has lost its end, and the note is the only witness.
    """
    with _locked(database) as heads:
        for run, head in ends.items():
            if run not in heads or heads[run].seq < head.seq:
                heads[run] = head


def forget(database: Path, runs: Collection[RunId]) -> None:
    """Take back the notes of runs that were deleted on purpose."""
    if file_of(database).exists():
        with _locked(database) as heads:
            for run in runs:
                heads.pop(run, None)


def clear(database: Path) -> None:
    """Take back all notes: they are of a database that is gone, and a new one begins here."""
    with contextlib.suppress(OSError):
        file_of(database).unlink()


def require(database: Path, run: RunId, records: Sequence[Record]) -> None:
    """Check that the log still has the event that was noted of it. Raises LogDamaged."""
    noted = read(database).heads.get(run)
    if noted is not None:
        last = records[-1].seq if records else 0
        compare(database, noted, last, records[noted.seq - 1].hash if noted.seq <= last else b"")


def compare(database: Path, noted: Head, last: int, hash_there: bytes) -> None:
    """Check a log that ends with event `last` and has `hash_there` at the noted event.

    Raises LogDamaged where it is shorter than noted, or another one.
    """
    without = f"To go on without it, remove the run's line from {file_of(database)}."
    if last < noted.seq:
        lost = noted.seq - last
        raise LogDamaged(
            f"the log ends with event {last}, but it once ended with event {noted.seq}: "
            f"its last {f'{lost} events are' if lost > 1 else 'event is'} lost",
            seq=last + 1,
            advice=f"Restore the database from a newer backup. {without}",
        )
    if hash_there != noted.hash:
        raise LogDamaged(
            f"event {noted.seq} is not the one that was noted when the run stopped: "
            "the log was rewritten",
            seq=noted.seq,
            advice=f"Restore the database from a backup. {without}",
        )


def lost(run: RunId, noted: Head) -> LogDamaged:
    """The damage that a run is gone of which a note is left."""
    return LogDamaged(
        f"run {run} is gone with all its {noted.seq} events: it was not pruned, and its end is "
        "noted beside the database",
        seq=1,
        advice="Restore the database from a backup.",
    )


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[dict[RunId, Head]]:
    """The noted heads, to be changed; they are written back whole, or not at all."""
    path = file_of(database)
    with _exclusive(path):
        heads = dict(read(database).heads)
        before = dict(heads)
        yield heads
        if heads == before:
            return
        lines = [_TITLE, *(f"{run} {head.seq} {head.hash.hex()}" for run, head in heads.items())]
        new = path.with_name(f"{path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """The lock of the file that is at `path` now: another process may just have replaced it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            status = os.fstat(descriptor)
            if identity(path) == (status.st_dev, status.st_ino):
                yield
                return
        finally:
            os.close(descriptor)
