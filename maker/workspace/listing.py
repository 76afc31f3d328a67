"""What lies in a folder, each file with the digest of its very bytes. Starts no program.

Digests are remembered by size, times and inode, so that a second look reads no file that stayed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from maker.workspace.rules import TEMPORARY, Rules
from maker.workspace.trees import TreeError, path_text

ItemKind = Literal["file", "link", "repository", "sealed"]
Stamp = tuple[int, int, int, int]
_IN_DOUBT_NS = 2_000_000_000
"""A file that changed so shortly before it was read may change again within the same tick."""


class Item(NamedTuple):
    """A file, link, repository or unreadable file: its mode, and the SHA-256 of its bytes."""

    kind: ItemKind
    mode: int
    digest: str


Listing = dict[str, Item]
"""By path, as the system's functions take it."""


class Memory:
    """Digests of files by their stamps, in a file of maker's; a damaged one is forgotten."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._old = self._loaded()
        self._new: dict[str, tuple[Stamp, str]] = {}

    def digest(self, path: str, full: str, status: os.stat_result, now_ns: int) -> str:
        """The digest of a plain file, read only where it is not known."""
        stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        known = self._old.get(path)
        digest = known[1] if known and known[0] == stamp else digest_of(full)
        if max(stamp[:2]) < now_ns - _IN_DOUBT_NS:
            self._new[path] = (stamp, digest)
        return digest

    def save(self) -> None:
        """Remember what was asked for since it was loaded, and nothing else."""
        if self._new == self._old:
            return
        data = msgspec.msgpack.encode({os.fsencode(p): v for p, v in self._new.items()})
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partly = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}.part")
        partly.write_bytes(hashlib.sha256(data).digest() + data)
        partly.replace(self._file)

    def _loaded(self) -> dict[str, tuple[Stamp, str]]:
        with suppress(OSError, msgspec.DecodeError):
            data = self._file.read_bytes()
            if hashlib.sha256(data[32:]).digest() == data[:32]:
                loaded = msgspec.msgpack.decode(data[32:], type=dict[bytes, tuple[Stamp, str]])
                return {os.fsdecode(path): value for path, value in loaded.items()}
        return {}


def digest_of(path: str, parent: int | None = None) -> str:
    """The SHA-256 of a plain file, in an open folder or not; no link followed. Raises OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, dir_fd=parent)
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - of a descriptor
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing(folder: Path, rules: Rules, memory: Memory, now_ns: int) -> Listing:
    """Everything in the folder but what is ignored or withheld. Raises TreeError."""
    items: Listing = {}
    try:
        for path, entry in _walk(str(folder), rules):
            items[path] = _item(path, entry, memory, now_ns)
    except OSError as error:
        raise TreeError(f"{folder} changes while it is read, or cannot be: {error}") from error
    return items


def tree_id(items: Listing) -> str:
    """The id of a tree: the same for the same bytes, names, modes and kinds."""
    digest = hashlib.sha256()
    for path in sorted(items):
        item = items[path]
        digest.update(
            b"%s\0%s %o %s\n"
            % (os.fsencode(path), item.kind.encode(), item.mode, item.digest.encode())
        )
    return digest.hexdigest()


def text(path: str) -> str:
    """A path as it stands in changes."""
    return path if path.isascii() and "\\" not in path else path_text(os.fsencode(path))


def _walk(folder: str, rules: Rules) -> Iterator[tuple[str, os.DirEntry[str]]]:
    waiting = [""]
    while waiting:
        here = waiting.pop()
        of_here = rules.of(here)
        with os.scandir(f"{folder}/{here}") as entries:
            for entry in entries:
                name = entry.name
                path = f"{here}/{name}" if here else name
                if TEMPORARY.fullmatch(name) or rules.is_withheld(path):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    if not rules.leaves_out(path, name, of_here, is_folder=False):
                        yield path, entry
                elif os.path.lexists(f"{folder}/{path}/.git"):
                    yield path, entry
                elif not rules.of(path).ignored or path in rules.tracked_folders:
                    waiting.append(path)


def _item(path: str, entry: os.DirEntry[str], memory: Memory, now_ns: int) -> Item:
    status = entry.stat(follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(entry.path))  # noqa: PTH115 - any text
        return Item("link", 0o777, hashlib.sha256(target).hexdigest())
    if stat.S_ISDIR(status.st_mode):
        return Item("repository", 0, "")
    try:
        if stat.S_ISREG(status.st_mode):
            return Item("file", mode, memory.digest(path, entry.path, status, now_ns))
    except PermissionError:
        pass  # nobody but its owner can tell: it is known by its times
    return Item("sealed", mode, f"{status.st_mtime_ns} {status.st_ino} {status.st_size}")
