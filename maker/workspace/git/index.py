"""Git's index, read from its bytes: which files are tracked, and how they were when staged.

Pure. Formats of versions 2 to 4 with SHA-1 or SHA-256; what else there is (a split index) is
refused. Git itself is not asked: it would run what a repository's settings name.
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import NamedTuple

FOLDER, LINK, SUBMODULE = 0o040000, 0o120000, 0o160000
"""Kinds of entries that are no plain files: a folder that was left out, a link, a repository."""

_HEADER = struct.Struct(">4sII")
_STAT = struct.Struct(">10I")
_ASSUMED_VALID, _EXTENDED, _STAGE = 0x8000, 0x4000, 0x3000
_SKIPPED, _INTENDED = 0x4000, 0x2000
_KNOWN_EXTENSIONS = frozenset({b"sdir"})


class Entry(NamedTuple):
    """One tracked file: its content's hash, and its time and size when git looked last.

    `settled`: git is told not to look at it. `unfinished`: a conflict, or announced only.
    """

    path: str
    kind: int
    mtime_ns: int
    size: int
    digest: bytes
    settled: bool
    unfinished: bool


class UnreadableIndex(Exception):
    """The bytes are no index that is understood here."""


def read_index(data: bytes) -> list[Entry]:
    """The entries in their order. Raises UnreadableIndex."""
    try:
        signature, version, count = _HEADER.unpack_from(data)
        if signature != b"DIRC" or version not in (2, 3, 4) or count > len(data) // 42:
            raise UnreadableIndex("it does not begin as an index of version 2 to 4")
        digest_size = _digest_size(data)
        entries, at, path = [], _HEADER.size, b""
        for _ in range(count):
            entry, path, at = _entry(data, at, path if version == 4 else None, digest_size)
            entries.append(entry)
        while at < len(data) - digest_size:
            name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
            # What must be understood has a name that begins with a small letter.
            if name[:1].islower() and name not in _KNOWN_EXTENSIONS:
                raise UnreadableIndex(f"it needs {name!r}")
            at += 8 + size
    except (struct.error, IndexError, ValueError) as error:
        raise UnreadableIndex(f"it breaks off: {error}") from error
    return entries


def _digest_size(data: bytes) -> int:
    """By the hash of everything at its end, which fast setups leave out (zeros)."""
    for algorithm in (hashlib.sha1, hashlib.sha256):
        size = algorithm().digest_size
        if data[-size:] in (algorithm(data[:-size]).digest(), bytes(size)):
            return size
    raise UnreadableIndex("its content does not match its hash")


def _entry(
    data: bytes, start: int, previous: bytes | None, digest_size: int
) -> tuple[Entry, bytes, int]:
    """The entry that starts there, its path, and where the next one starts."""
    stat = _STAT.unpack_from(data, start)
    at = start + _STAT.size
    digest = data[at : at + digest_size]
    at += digest_size
    (flags,) = struct.unpack_from(">H", data, at)
    more = 0
    at += 2
    if flags & _EXTENDED:
        (more,) = struct.unpack_from(">H", data, at)
        at += 2
    if previous is None:
        end = data.index(b"\0", at)
        path = data[at:end]
        following = start + ((end - start) // 8 + 1) * 8
    else:
        dropped, at = _number(data, at)
        end = data.index(b"\0", at)
        path = previous[: len(previous) - dropped] + data[at:end]
        following = end + 1
    entry = Entry(
        path=os.fsdecode(path),
        kind=stat[6] & 0o170000,
        mtime_ns=stat[2] * 1_000_000_000 + stat[3],
        size=stat[9],
        digest=digest,
        settled=bool(flags & _ASSUMED_VALID or more & _SKIPPED),
        unfinished=bool(flags & _STAGE or more & _INTENDED),
    )
    return entry, path, following


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in git's variable length, and what follows it."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) + (byte & 0x7F)
        if value > len(data):
            raise UnreadableIndex("a path is longer than the index")
    return value, at + 1
