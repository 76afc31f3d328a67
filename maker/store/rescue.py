"""Rescue files: where events go that were paid for and could not be stored, and come back from.

A file holds the exact payloads, so that the chain of hashes holds; it is taken only where it
follows the log. Anybody can write into a temp folder: only this user's own files count.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
from msgspec import Meta, Struct

from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import ConcurrentAppend, LogDamaged, RescueRefused, StoreError
from maker.store import integrity

RESERVE = ".maker-reserve"
"""Lies beside a database, so that a full disk still has room for a rescue file."""
RESERVE_BYTES = 1024 * 1024
_PREFIX = "maker-rescue-"
_RUN_ID_LENGTH = 36
_NOT_OURS = (errno.EPERM, errno.EACCES, errno.ELOOP, errno.ENOENT)
"""Another user's file, or one that is gone meanwhile: not a rescue file of ours."""
_ADVICE = "To go on without what it holds, move it away, then resume the run again."


class Rescued(Struct, frozen=True):
    """What the rescue files of a run hold beyond its log, in order, and the files themselves."""

    records: Sequence[Record] = ()
    blobs: Mapping[str, bytes] = {}
    paths: Sequence[Path] = ()


NOTHING = Rescued()


class _Content(Struct, frozen=True, kw_only=True):
    format: Literal["maker rescue 1"] = "maker rescue 1"
    run: RunId
    records: Annotated[list[Record], Meta(min_length=1)]
    blobs: dict[str, bytes]


def folders(database: Path | None) -> list[Path]:
    """Where a rescue file may go: beside the database, the temp folder, home."""
    places = [Path(tempfile.gettempdir())]
    with suppress(RuntimeError):  # a user without a home
        places.append(Path.home())
    return places if database is None else [database.parent, *places]


def make_reserve(folder: Path) -> None:
    """Put the reserve into the folder. Without one a rescue file goes where there is room."""
    path = folder / RESERVE
    if path.exists():
        return
    try:
        file = _created(path)
    except OSError:  # another process is making it, or nobody can
        return
    try:
        with file:
            file.write(bytes(RESERVE_BYTES))
    except OSError:
        path.unlink(missing_ok=True)


def write(
    places: Sequence[Path], run: RunId, records: Sequence[Record], blobs: Mapping[str, bytes]
) -> Path:
    """Write the rescue file into the first folder that takes it, or raise StoreError."""
    content = msgspec.json.encode(_Content(run=run, records=list(records), blobs=dict(blobs)))
    faults = []
    for place in places:
        for attempt in (_write_new, _write_in_reserve):
            try:
                return attempt(place, run, content)
            except OSError as error:
                faults.append(f"{place}: {error.strerror}")
    raise StoreError(f"no folder takes a rescue file ({'; '.join(dict.fromkeys(faults))})")


def waiting(places: Sequence[Path]) -> set[RunId]:
    """The runs of which there may be a rescue file."""
    names = (path.name for place in places for path in place.glob(f"{_PREFIX}*.json"))
    return {RunId(name.removeprefix(_PREFIX)[:_RUN_ID_LENGTH]) for name in names}


def is_there(places: Sequence[Path], run: RunId) -> bool:
    """Whether there may be a rescue file of the run."""
    return any(any(place.glob(f"{_PREFIX}{run}-*.json")) for place in places)


def find(places: Sequence[Path], run: RunId, log: Sequence[Record]) -> Rescued:
    """What the run's rescue files add to its log. Raises RescueRefused where one does not follow.

    Nothing is removed: see `remove`.
    """
    whole, blobs, paths = list(log), dict[str, bytes](), []
    for path, content in sorted(_files(places, run), key=lambda item: item[1].records[0].seq):
        whole.extend(_addition(path, content, whole))
        blobs |= content.blobs
        paths.append(path)
    return Rescued(whole[len(log) :], blobs, paths)


def remove(rescued: Rescued) -> None:
    """Remove the files of what is stored by now; one that stays adds nothing to any log."""
    for path in rescued.paths:
        with suppress(OSError):
            path.unlink()


def unstored(run: RunId, log: Sequence[Record], records: Sequence[Record]) -> list[Record]:
    """Those of the records that the log lacks. Raises ConcurrentAppend where it went on otherwise.

    `log` may begin anywhere before them. A commit can succeed unheard, so it may hold some of them,
    or all.
    """
    first = records[0].seq
    stored = [record for record in log if record.seq >= first][: len(records)]
    if not stored and first > (log[-1].seq if log else 0) + 1:
        raise integrity.overtaken(run, first)
    for record, other in zip(records, stored, strict=False):
        if record.hash != other.hash:
            raise integrity.overtaken(run, record.seq)
    return list(records[len(stored) :])


def _write_new(folder: Path, run: RunId, content: bytes) -> Path:
    path = _new_name(folder, run)
    return _filled(path, _created(path), content)


def _write_in_reserve(folder: Path, run: RunId, content: bytes) -> Path:
    """Use the room of the reserve: a full disk has no other."""
    path = _new_name(folder, run)
    (folder / RESERVE).rename(path)
    return _filled(path, _opened(path, os.O_WRONLY), content)


def _filled(path: Path, file: BinaryIO, content: bytes) -> Path:
    """The path, once the content is on disk; what cannot be written whole is removed."""
    try:
        with file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _new_name(folder: Path, run: RunId) -> Path:
    return folder / f"{_PREFIX}{run}-{os.urandom(8).hex()}.json"


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _opened(path: Path, flags: int) -> BinaryIO:
    """The file, if it is one of this user's own. Raises OSError."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        os.close(descriptor)
        raise PermissionError(errno.EPERM, "not a file of this user", str(path))
    return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "wb")


def _files(places: Sequence[Path], run: RunId) -> Iterator[tuple[Path, _Content]]:
    for place in dict.fromkeys(places):
        for path in place.glob(f"{_PREFIX}{run}-*.json"):
            try:
                with _opened(path, os.O_RDONLY) as file:
                    yield path, _content(path, run, file.read())
            except OSError as error:
                if error.errno not in _NOT_OURS:
                    raise RescueRefused(
                        f"the rescue file {path} cannot be read: {error.strerror}", advice=_ADVICE
                    ) from error


def _content(path: Path, run: RunId, data: bytes) -> _Content:
    """What the file holds. Raises RescueRefused for anything that `write` has not written."""
    try:
        content = msgspec.json.decode(data, type=_Content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RescueRefused(
            f"the rescue file {path} is cut short or damaged: {error}", advice=_ADVICE
        ) from error
    if content.run != run:
        raise RescueRefused(f"the rescue file {path} is of run {content.run}", advice=_ADVICE)
    for digest, blob in content.blobs.items():
        if hashlib.sha256(blob).hexdigest() != digest:
            raise RescueRefused(
                f"the rescue file {path} is damaged: blob {digest} does not match its hash",
                advice=_ADVICE,
            )
    return content


def _addition(path: Path, content: _Content, log: Sequence[Record]) -> list[Record]:
    """The records that the file adds to the log. Raises RescueRefused where it does not follow."""
    first, last = content.records[0].seq, content.records[-1].seq
    try:
        records = unstored(content.run, log, content.records)
        records = list(integrity.linked(records, integrity.Head(log[-1].seq, log[-1].hash)))
    except ConcurrentAppend as error:
        short = f"the log ends with event {log[-1].seq}"
        reason = short if log[-1].seq < first - 1 else "somebody else went on with it meanwhile"
        raise RescueRefused(
            f"the rescue file {path} (events {first} to {last}) does not follow the log of run "
            f"{content.run}: {reason}",
            advice=_ADVICE,
        ) from error
    except LogDamaged as damage:
        raise RescueRefused(
            f"the rescue file {path} is damaged: {damage.message}", advice=_ADVICE
        ) from damage
    return records
