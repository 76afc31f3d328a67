"""A workspace that keeps everything in memory and copies plainly; for tests of what uses one.

It is held to the same contract as the real one (`tests/workspace/test_trees_contract.py`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from maker.core.models import FileChange, FileChanges
from maker.workspace.placing import backwards
from maker.workspace.trees import (
    Applied,
    BaseChanged,
    Branch,
    BranchOpen,
    Extent,
    path_bytes,
    path_text,
)


class Item(NamedTuple):
    """A file or link as it lies there."""

    content: bytes
    mode: int
    is_link: bool = False

    @property
    def id(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class FakeWorkspace:
    """Copies the folder for each branch; ignores the names in the folder's `.gitignore`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, bytes] = {}
        self.bases: dict[str, dict[str, Item]] = {}
        self.open: dict[str, Branch] = {}

    def tree(self) -> str:
        items = {path: item for path, item in read(self.folder).items() if not self._ignored(path)}
        return hashlib.sha256(repr(sorted(items.items())).encode()).hexdigest()

    def branch(self, tree: str, name: str) -> Branch:
        if self.tree() != tree:
            raise BaseChanged([])
        place = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        shutil.copytree(self.folder, place / "work", symlinks=True)
        branch = Branch(place.name, tree, "copy", place / "work", seen=place / "work")
        self.bases[branch.id] = read(branch.folder)
        self.open[branch.id] = branch
        return branch

    def changes(self, branch: Branch) -> FileChanges:
        base, now = self.bases[branch.id], read(branch.folder)
        different = sorted(path for path in base | now if base.get(path) != now.get(path))
        entries = [self._change(path, base.get(path), now.get(path)) for path in different]
        theirs = read(self.folder)
        changed = [e.path for e in entries if not e.ignored and not _is(theirs, e, "before")]
        if changed:
            raise BaseChanged(changed)
        digest = _digest(entries, self.kept)
        return FileChanges(base=branch.base, digest=digest, entries=tuple(entries))

    def apply(self, changes: FileChanges) -> Applied:
        self._refuse_open()
        now = read(self.folder)
        conflicts = [e.path for e in changes.entries if not e.ignored and not _known(now, e)]
        if conflicts:
            return Applied(conflicts=tuple(conflicts))
        for entry in removals_first(changes.entries):
            self._write(entry)
        return Applied(paths=tuple(entry.path for entry in changes.entries))

    def look(self, changes: FileChanges) -> Extent:
        now = read(self.folder)
        if any(not e.ignored and not _known(now, e) for e in changes.entries):
            return "conflict"
        done = [_is(now, entry, "after") for entry in changes.entries]
        return "all" if all(done) else "part" if any(done) else "none"

    def undo(self, changes: FileChanges, *, dry_run: bool = False) -> Applied:
        self._refuse_open()
        now = read(self.folder)
        entries = [entry for entry in changes.entries if not entry.ignored]
        conflicts = tuple(entry.path for entry in entries if not _known(now, entry))
        done = [entry for entry in entries if entry.path not in conflicts]
        for entry in [] if dry_run else removals_first(map(backwards, done)):
            self._write(entry)
        return Applied(tuple(entry.path for entry in done), conflicts, changes.ignored)

    def patch(self, changes: FileChanges) -> str:
        return "".join(
            f"diff --git a/{entry.path} b/{entry.path}\n"
            for entry in changes.entries
            if not entry.ignored
        )

    def discard(self, branch: Branch) -> None:
        if self.open.pop(branch.id, None):
            shutil.rmtree(branch.folder.parent)

    def sweep(self) -> int:
        return 0

    def size(self) -> int:
        return sum(map(len, self.kept.values()))

    def prune(self, keep: Collection[str]) -> int:
        gone = [content for content in self.kept if content not in keep]
        return sum(len(self.kept.pop(content)) for content in gone)

    def _refuse_open(self) -> None:
        if self.open:
            raise BranchOpen(f"a branch of {self.folder} is open: {', '.join(self.open)}")

    def _ignored(self, path: str) -> bool:
        names = self.folder / ".gitignore"
        listed = names.read_text().split() if names.is_file() else []
        return any(part in listed for part in path.split("/"))

    def _change(self, path: str, old: Item | None, new: Item | None) -> FileChange:
        self.kept |= {item.id: item.content for item in (old, new) if item}
        before, after = (old.content if old else b""), (new.content if new else b"")
        removed, added = set(before.splitlines()), set(after.splitlines())
        if self._ignored(path):
            removed = added = set()
        change = FileChange(
            path=path,
            kind="removed" if new is None else "link" if new.is_link else "changed",
            before=old and old.id,
            after=new and new.id,
            mode_before=old and old.mode,
            mode_after=new and new.mode,
            size=len(after),
            lines_added=len(added - removed),
            lines_removed=len(removed - added),
            ignored=self._ignored(path),
            was_link=old is not None and old.is_link,
        )
        if change.kind == "changed" and (old is None or change.before == change.after):
            return msgspec.structs.replace(change, kind="added" if old is None else "mode")
        return change

    def _write(self, entry: FileChange) -> None:
        path = Path(os.fsdecode(os.fsencode(self.folder) + b"/" + path_bytes(entry.path)))
        if path.is_symlink() or path.is_file():
            path.unlink()
        if entry.after is None:
            for parent in path.parents:
                if parent == self.folder or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # there is no file in it, or it would be a conflict
        content = self.kept[entry.after]
        if entry.kind == "link":
            path.symlink_to(os.fsdecode(content))
        else:
            path.write_bytes(content)
            path.chmod(entry.mode_after or 0o644)


def removals_first(entries: Iterable[FileChange]) -> list[FileChange]:
    """In an order in which each path is free when something is put there."""
    return sorted(entries, key=lambda entry: entry.after is not None)


def read(folder: Path) -> dict[str, Item]:
    """All files and links below the folder, but for its `.git`."""
    return dict(_read(os.fsencode(folder), b""))


def _read(folder: bytes, start: bytes) -> Iterator[tuple[str, Item]]:
    for entry in os.scandir(folder):
        path = start + entry.name
        mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) & 0o777
        if path == b".git":
            continue
        if entry.is_symlink():
            yield (
                path_text(path),
                Item(
                    os.readlink(entry.path),  # noqa: PTH115 - of bytes
                    0o777,
                    is_link=True,
                ),
            )
        elif entry.is_dir():
            yield from _read(entry.path, path + b"/")
        elif entry.is_file():
            yield path_text(path), Item(Path(os.fsdecode(entry.path)).read_bytes(), mode)


def _is(now: dict[str, Item], entry: FileChange, side: str) -> bool:
    item = now.get(entry.path)
    content, mode, link = (
        (entry.before, entry.mode_before, entry.was_link)
        if side == "before"
        else (entry.after, entry.mode_after, entry.kind == "link")
    )
    if item is None or content is None:
        return item is None and content is None
    return (item.id, item.mode, item.is_link) == (content, mode, link)


def _known(now: dict[str, Item], entry: FileChange) -> bool:
    return _is(now, entry, "before") or _is(now, entry, "after")


def _digest(entries: Collection[FileChange], kept: dict[str, bytes]) -> str:
    parts = []
    for entry in entries:
        if not entry.ignored:
            lines = kept[entry.after].split(b"\n") if entry.after else []
            text = b"\n".join(line.rstrip() for line in lines).rstrip()
            parts.append((entry.path, entry.after is None, entry.mode_after, text))
    return hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()
