"""The folders of branches below maker's home: made, filled, looked through, removed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from maker.workspace.trees import TreeError

_CLONE = 0x40049409
"""Linux: let two files share their content until one is changed."""
_BOOKKEEPING = ("index", "index.lock", "COMMIT_EDITMSG", "FETCH_HEAD")
"""What git writes in its folder when it is only asked something, or something is staged."""


class Stamp(NamedTuple):
    """Another one after each change of a file."""

    kind: int
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def stamps(folder: Path) -> dict[str, Stamp]:
    """Of all files and links below the folder."""
    return dict(_stamps(str(folder), ""))


def _stamps(folder: str, start: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                yield from _stamps(entry.path, f"{start}{entry.name}/")
            else:
                mode = stat.S_IMODE(status.st_mode)
                times = status.st_mtime_ns, status.st_ctime_ns
                yield (
                    start + entry.name,
                    Stamp(kind, mode, status.st_size, *times, status.st_ino),
                )


def bytes_to_copy(folder: Path, home: Path) -> int:
    """How much a copy would have to hold. Raises OSError."""
    total = 0
    for top, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_copied(Path(top, name), folder, home)]
        total += sum(os.lstat(f"{top}/{name}").st_size for name in files)
    return total


def copy(folder: Path, place: Path, home: Path) -> None:
    """Copy the folder with all that lies in it, ignored files included, but repositories' own.

    The folder's own `.git` is copied without its objects, which are looked up where they are.
    Raises TreeError.
    """

    def left_out(top: str, names: list[str]) -> set[str]:
        return {name for name in names if not _is_copied(Path(top, name), folder, home)}

    try:
        shutil.copytree(folder, place, symlinks=True, ignore=left_out, copy_function=_clone_or_copy)
        _copy_repository(folder / ".git", place / ".git")
    except (OSError, shutil.Error) as error:
        raise TreeError(f"{folder} cannot be copied: {_why(error)}") from error


def can_clone(place: Path) -> bool:
    """Whether files here can share their contents."""
    source, target = place / "probe-1", place / "probe-2"
    try:
        source.write_bytes(b"x" * 4096)
        return _clone(str(source), str(target))
    except OSError:
        return False
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)


def remove(place: Path) -> None:
    """Remove a folder with all that is in it, folders that nobody may look into included."""
    for top, folders, _ in os.walk(place):
        for name in folders:
            path = os.path.join(top, name)  # noqa: PTH118
            if not os.path.islink(path):  # noqa: PTH114
                with suppress(OSError):
                    os.chmod(path, 0o700)  # noqa: PTH101
    shutil.rmtree(place, ignore_errors=True)


def is_bookkeeping(path: str) -> bool:
    """Whether git writes there without anything's being committed."""
    return path.startswith(".git/objects/") or path in {f".git/{name}" for name in _BOOKKEEPING}


def _is_copied(path: Path, folder: Path, home: Path) -> bool:
    if path == home or path.name == ".git":
        return False
    mode = path.lstat().st_mode
    return stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or stat.S_ISREG(mode)


def _clone_or_copy(source: str, target: str) -> str:
    if os.path.islink(source) or not _clone(source, target):  # noqa: PTH114
        shutil.copyfile(source, target, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
    return target


def _clone(source: str, target: str) -> bool:
    with open(source, "rb") as old, open(target, "wb") as new:  # noqa: PTH123
        try:
            fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return False
    return True


def _copy_repository(own: Path, place: Path) -> None:
    """Copy what git keeps beside objects; of a linked worktree or with another tree, nothing."""
    try:
        settings = (own / "config").read_bytes().lower()
    except OSError:
        return
    if own.is_symlink() or b"worktree" in settings:
        return
    unwanted = shutil.ignore_patterns("objects", "worktrees", "modules", "*.lock", "fsmonitor*")
    shutil.copytree(own, place, symlinks=True, ignore=unwanted)
    (place / "objects" / "info").mkdir(parents=True)
    objects = os.fsencode(own.resolve() / "objects")
    (place / "objects" / "info" / "alternates").write_bytes(objects + b"\n")


def _why(error: Exception) -> str:
    if isinstance(error, shutil.Error) and error.args:
        first = error.args[0][0]
        return f"{first[0]}: {first[2]}"
    return str(error)
