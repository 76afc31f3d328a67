"""What a folder's git repository says of it, read by our own code: no program is started.

Git itself runs what a repository names, even for `git status`: filters, monitors, hooks, what
fetches missing objects. What is read here is data from others, and may be hostile.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from maker.workspace.git.index import (
    FOLDER,
    LINK,
    SUBMODULE,
    Entry,
    UnreadableIndex,
    read_index,
)
from maker.workspace.git.untracked import Untracked, text_of

MOST_HASHED_BYTES = 50_000_000
"""Files whose times say nothing are compared by content, up to this."""
_LARGEST_INDEX = 50_000_000
_BRANCH = "ref: refs/heads/"


class GitFolder(NamedTuple):
    """The branch ("" where none is checked out), the files tracked or not ignored, and changes.

    `changed` counts the files that differ from the index or are new to it; None: it is not known.
    What is staged and not committed is not seen.
    """

    branch: str
    files: list[str]
    changed: int | None


class _NotKnown(Exception):
    """Finding out would take longer than it is worth."""


def git_folder(folder: Path) -> GitFolder | None:
    """What there is to know of the folder; None where it is in no repository."""
    folder = folder.resolve()
    place = repository(folder)
    if place is None:
        return None
    root, own = place
    head = (text_of(own / "HEAD") or "").strip()
    branch = head.removeprefix(_BRANCH) if head.startswith(_BRANCH) else ""
    entries, staged_ns = _index(own / "index", folder.relative_to(root).parts)
    tracked = {} if entries is None else {entry.path: entry for entry in entries}
    # The patterns that are not committed are shared by all worktrees.
    common = _shared(own)
    excluded = text_of(common / "info" / "exclude") or ""
    untracked = Untracked(root, folder, tracked, excluded)
    new = list(untracked)
    files = [path for path in tracked if os.path.lexists(folder / path)] + new
    if entries is None or not untracked.complete:
        return GitFolder(branch, files, None)
    try:
        differing = sum(1 for _ in _differing(folder, tracked.values(), staged_ns))
    except _NotKnown:
        return GitFolder(branch, files, None)
    return GitFolder(branch, files, differing + len(new))


def tracked_below(folder: Path) -> list[str]:
    """The paths below the folder that git tracks; none where its index cannot be read."""
    place = repository(folder)
    if place is None:
        return []
    root, own = place
    entries, _ = _index(own / "index", folder.relative_to(root).parts)
    return [entry.path for entry in entries or []]


def repository_elsewhere(folder: Path) -> list[Path]:
    """The repository's own folders that are not below this one: of a worktree, or above."""
    place = repository(folder)
    if place is None:
        return []
    own = place[1]
    common = _shared(own)
    folders = {path.resolve() for path in (own, common)}
    return sorted(path for path in folders if path.is_dir() and not path.is_relative_to(folder))


def _shared(own: Path) -> Path:
    """The folder that all worktrees of a repository share, by that of one of them."""
    return own / (text_of(own / "commondir") or "").strip()


def repository(folder: Path) -> tuple[Path, Path] | None:
    """The top of the working tree that the folder is in, and the repository's own folder."""
    for top in (folder, *folder.parents):
        marker = top / ".git"
        own = marker
        if not os.path.isdir(marker):  # noqa: PTH112 - never raises
            # A file tells where a worktree or a submodule keeps what is its own.
            link = text_of(marker) or ""
            if not link.startswith("gitdir: "):
                continue
            own = top / link.removeprefix("gitdir: ").strip()
        if text_of(own / "HEAD") is not None:
            return top, own
    return None


def _index(path: Path, inside: tuple[str, ...]) -> tuple[list[Entry] | None, int]:
    """The tracked files below the folder, and when they were staged; None: cannot be read."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_INDEX:
            return None, 0
        entries = read_index(path.read_bytes())
    except FileNotFoundError:
        return [], 0  # nothing was ever staged
    except (OSError, UnreadableIndex):
        return None, 0
    start = "".join(f"{name}/" for name in inside)
    below = [
        entry._replace(path=entry.path.removeprefix(start))
        for entry in entries
        if entry.path.startswith(start) and entry.kind != FOLDER
    ]
    return below, status.st_mtime_ns


def _differing(folder: Path, entries: Iterable[Entry], staged_ns: int) -> Iterator[str]:
    """The tracked files that are not as they were staged. Raises _NotKnown."""
    room = MOST_HASHED_BYTES
    for entry in entries:
        if entry.settled or entry.kind == SUBMODULE:
            continue
        try:
            status = (folder / entry.path).lstat()
        except (OSError, ValueError):
            yield entry.path
            continue
        # Where the index has no fractions of seconds, whole ones are compared.
        unit_ns = 1 if entry.mtime_ns % 1_000_000_000 else 1_000_000_000
        is_same_time = status.st_mtime_ns // unit_ns == entry.mtime_ns // unit_ns
        is_same_kind = stat.S_IFMT(status.st_mode) == entry.kind and not entry.unfinished
        if not is_same_kind or entry.size not in (0, status.st_size % 2**32):  # 0: git is in doubt
            yield entry.path
        elif entry.size and is_same_time and entry.mtime_ns < staged_ns:
            continue
        else:
            room -= status.st_size
            if room < 0:
                raise _NotKnown
            if _digest(folder / entry.path, entry) != entry.digest:
                yield entry.path


def _digest(path: Path, entry: Entry) -> bytes:
    """The hash that git would give the content, were no filter named; empty if it has none."""
    try:
        if entry.kind == LINK:
            content = os.fsencode(path.readlink())
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(MOST_HASHED_BYTES)
    except OSError:
        return b""
    algorithm = hashlib.sha1 if len(entry.digest) == 20 else hashlib.sha256
    return algorithm(b"blob %d\0" % len(content) + content).digest()
