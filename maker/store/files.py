"""The database's file: private from its first moment, and on a disk where WAL works."""

from __future__ import annotations

import os
import re
from pathlib import Path

from maker.errors import StoreError

_ELSEWHERE = "Choose another place with --db or MAKER_DATABASE_URL."
_NETWORK = frozenset(
    {"afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3"}
)


def prepare(path: Path) -> None:
    """Create the file (0600) and its folder (0700) if they are missing. Raises StoreError."""
    try:
        _refuse_network(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        require_file(path)
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be created: {error.strerror}", advice=_ELSEWHERE
        ) from error


def require_file(path: Path) -> None:
    """Check that `path` is a file. Raises StoreError."""
    if path.is_file():
        return
    odd = "it is a folder" if path.is_dir() else "it is not a file"
    if not path.parent.is_dir():
        odd = f"{path.parent} is not a folder"
    raise StoreError(f"the database {path} cannot be used: {odd}", advice=_ELSEWHERE)


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
            advice="What was stored before is in that file; put it back, then resume the run.",
        )


def network_filesystem(path: Path, mounts: str) -> str | None:
    """The type of the network file system that `path` is on, by the text of `/proc/mounts`."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, folder, found, *_ = line.split(" ")
        folder = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), folder)
        if len(folder) >= len(best) and path.is_relative_to(folder):
            best, kind = folder, found
    return kind if kind in _NETWORK else None


def _refuse_network(path: Path) -> None:
    table = Path("/proc/mounts")
    if not table.exists():
        return
    kind = network_filesystem(path.resolve(), table.read_text(encoding="utf-8", errors="replace"))
    if kind is not None:
        raise StoreError(
            f"the database {path} is on a network file system ({kind}), where SQLite's log is "
            "not safe",
            advice="Choose a local disk with --db or MAKER_DATABASE_URL.",
        )
