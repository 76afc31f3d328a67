"""The database's file: private from its first moment, and on a disk where WAL works."""

from __future__ import annotations

import contextlib
import difflib
import errno
import logging
import os
import re
import stat
from pathlib import Path

from maker.errors import NoDatabase, StoreError

_log = logging.getLogger("maker")
_ELSEWHERE = "Choose another place with --db or MAKER_DATABASE_URL."
_ODD = {
    errno.ELOOP: "it is a link that leads in a circle",
    errno.ENOTDIR: "its folder is not a folder",
    errno.ENAMETOOLONG: "its name is too long",
}
_MAGIC = b"SQLite format 3\0"
_MOST_NEAR = 3
_NETWORK = frozenset(
    {"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3"}
)


def prepare(path: Path) -> None:
    """Create the file (0600) and its folder (0700) if they are missing. Raises StoreError."""
    if is_there(path):
        _make_private(path)
        return
    try:
        table = Path("/proc/mounts")
        mounts = table.read_text(encoding="utf-8", errors="replace") if table.exists() else ""
        kind = network_filesystem(path.resolve(), mounts)
        if kind is not None:
            raise StoreError(
                f"the database {path} is on a network file system ({kind}), where SQLite's log is "
                "not safe",
                advice="Choose a local disk with --db or MAKER_DATABASE_URL.",
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return  # another process was quicker
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be created: {error.strerror}", advice=_ELSEWHERE
        ) from error


def is_there(path: Path) -> bool:
    """Whether there is a file. Raises NoDatabase where something else is in its place."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.is_symlink():
            return False
        odd = f"it is a link to {path.readlink()}, which does not exist"
    except OSError as error:
        odd = _ODD.get(error.errno or 0) or f"it cannot be looked at: {error.strerror}"
    else:
        if stat.S_ISREG(mode):
            return True
        odd = "it is a folder" if stat.S_ISDIR(mode) else "it is not a file"
    raise NoDatabase(f"the database {path} cannot be used: {odd}", advice=_ELSEWHERE)


def _make_private(path: Path) -> None:
    """Take from others what they may do with files that hold prompts and answers."""
    for suffix in ("", "-wal", "-shm", "-heads"):
        file = path.with_name(f"{path.name}{suffix}")
        with contextlib.suppress(OSError):  # it is not there, or not ours to mend
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                file.chmod(mode & 0o700)
                _log.warning(
                    "%s could be read by others (mode %04o): it is yours alone now (%04o)",
                    file,
                    mode,
                    mode & 0o700,
                )


def near(path: Path) -> list[Path]:
    """Files beside `path` that may be meant: with a similar name, or named as databases are."""
    try:
        names = sorted(entry.name for entry in os.scandir(path.parent) if entry.is_file())
    except OSError:
        return []
    names = [name for name in names if not name.endswith(("-wal", "-shm", "-heads", "-journal"))]
    similar = difflib.get_close_matches(path.name, names, n=_MOST_NEAR, cutoff=0.7)
    similar += [name for name in names if name.endswith((".db", ".sqlite")) and name not in similar]
    return [path.with_name(name) for name in similar[:_MOST_NEAR]]


def is_empty(path: Path) -> bool:
    """Whether the file has no content; SQLite takes one of a single byte for such a file, too."""
    return path.stat().st_size <= 1


def begins_like_a_database(path: Path) -> bool:
    """Whether the first bytes are those of a SQLite file, though perhaps cut off or flipped."""
    with path.open("rb") as file:
        first = file.read(len(_MAGIC))
    alike = sum(one == other for one, other in zip(first, _MAGIC, strict=False))
    return alike == len(first) > 0 or alike >= len(_MAGIC) // 2


def identity(path: Path) -> tuple[int, int] | None:
    """What tells one file from another at the same path; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def require_same(path: Path, opened: tuple[int, int] | None) -> None:
    """Check that `path` is still the file that was opened: a deleted one can still be written."""
    if identity(path) != opened:
        raise StoreError(
            f"the database {path} was deleted, moved or replaced while it was in use",
            advice=f"What was stored before is in that file, the newest of it in {path}-wal. Put "
            "the file back beside it, or move both together; then resume the run.",
        )


def network_filesystem(path: Path, mounts: str) -> str | None:
    """The type of the network file system that `path` is on, by the text of `/proc/mounts`."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, folder, mounted, *_ = line.split(" ")
        folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), folder)
        if len(folder) >= len(best) and path.is_relative_to(folder):
            best, kind = folder, mounted
    return kind if kind in _NETWORK else None
