"""What a branch changed, path by path, with the contents that are needed later kept."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from maker.core.models import FileChange, FileChanges
from maker.workspace import patches, places
from maker.workspace.kept import Kept
from maker.workspace.listing import Item, Listing, digest_of, text
from maker.workspace.placing import Folder
from maker.workspace.rules import Rules
from maker.workspace.trees import BaseChanged, TreeError


class Gathered(NamedTuple):
    """The folder, a branch of it, what the folder held when it began, and where contents go."""

    folder: Path
    branch: Path
    base: Listing
    kept: Kept


def gather(of: Gathered, rules: Rules, paths: Sequence[str], tree: str) -> FileChanges:
    """The changes at these paths, which may have changed. Raises BaseChanged, TreeError."""
    withheld, entries, stale = [], [], []
    parts: list[tuple[str, str, int | None, str]] = []
    for path in paths:
        if path not in of.base and rules.is_withheld(path):
            withheld += [] if places.is_bookkeeping(path) else [text(path)]
            continue
        ignored = path not in of.base and rules.is_ignored(path)
        change = _change(of, path, ignored)
        if change is None:
            continue
        if not ignored:
            stale += [] if _is_still(of, path) else [change.path]
            parts.append((change.path, change.kind, change.mode_after, _normal(of, change)))
        entries.append(change)
    if stale:
        raise BaseChanged(stale)
    entries.sort(key=lambda entry: entry.path)
    return FileChanges(
        base=tree,
        digest=patches.digest(parts),
        entries=tuple(entries),
        withheld=tuple(sorted(withheld)),
    )


def _change(of: Gathered, path: str, ignored: bool) -> FileChange | None:
    """What became of the path; None if nothing did."""
    old = _kept_item(of, of.folder, path, keep=not ignored)
    if old is None and path in of.base:
        raise BaseChanged([text(path)])
    new = _kept_item(of, of.branch, path, keep=True)
    if old == new:
        return None
    before, after = _readable(of, old, ignored), _readable(of, new, ignored)
    added, removed = patches.counted(before, after)
    change = FileChange(
        path=text(path),
        kind="changed",
        before=old and old.digest,
        after=new and new.digest,
        mode_before=old and old.mode,
        mode_after=new and new.mode,
        size=(of.branch / path).lstat().st_size if new else 0,
        lines_added=added,
        lines_removed=removed,
        ignored=ignored,
        was_link=old is not None and old.kind == "link",
    )
    if new is None:
        return msgspec.structs.replace(change, kind="removed")
    if new.kind == "link":
        return msgspec.structs.replace(change, kind="link")
    if old is None:
        return msgspec.structs.replace(change, kind="added")
    is_mode = old.kind == new.kind and old.digest == new.digest
    return msgspec.structs.replace(change, kind="mode") if is_mode else change


def _kept_item(of: Gathered, top: Path, path: str, *, keep: bool) -> Item | None:
    """What lies there, its content kept; None for nothing, and for what is no file or link."""
    full = top / path
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Item("link", 0o777, of.kept.add_bytes(_target(full)))
        if not stat.S_ISREG(status.st_mode):
            return None
        mode = stat.S_IMODE(status.st_mode) & 0o777
        digest = of.kept.add(full) if keep else digest_of(str(full))
        return Item("file", mode, digest)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TreeError(f"{full} cannot be read: {error.strerror}") from error


def _is_still(of: Gathered, path: str) -> bool:
    """Whether the folder holds at the path what it held when the branch began."""
    base = of.base.get(path)
    state = Folder(of.folder, of.kept).state(text(path))
    if base is None:
        return state.kind in ("missing", "folder")
    return (state.kind, state.digest, state.mode) == (base.kind, base.digest, base.mode)


def _readable(of: Gathered, item: Item | None, ignored: bool) -> bytes:
    if item is None or ignored or not of.kept.path(item.digest).exists():
        return b""
    if of.kept.path(item.digest).stat().st_size > patches.LARGEST_TEXT:
        return b""
    return of.kept.read(item.digest)


def _normal(of: Gathered, change: FileChange) -> str:
    if change.after is None:
        return ""
    if of.kept.path(change.after).stat().st_size > patches.LARGEST_TEXT:
        return change.after
    return hashlib.sha256(patches.normalised(of.kept.read(change.after))).hexdigest()


def _target(link: Path) -> bytes:
    """What a link says, to the last sign: `Path` would leave some out."""
    return os.fsencode(os.readlink(link))  # noqa: PTH115
