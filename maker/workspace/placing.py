"""Making files of a folder what they should be: checked, written aside, then renamed into place.

Every path is followed folder by folder and never through a link. Nothing is renamed before all new
contents lie on the disk, so that a full one is noticed while nothing has happened yet.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from maker.core.models import FileChange
from maker.workspace.kept import Kept, sync
from maker.workspace.listing import digest_of
from maker.workspace.trees import TreeError, path_bytes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class State(NamedTuple):
    """What lies at a path; `stamp` is another one after each change."""

    kind: str
    digest: str = ""
    mode: int = 0
    stamp: tuple[int, ...] = ()


_MISSING, _FOLDER_STATE, _OTHER = State("missing"), State("folder"), State("other")


def backwards(entry: FileChange) -> FileChange:
    """The change that takes this one back."""
    kind = "changed"
    if entry.before is None:
        kind = "removed"
    elif entry.was_link:
        kind = "link"
    elif entry.kind == "mode":
        kind = "mode"
    return msgspec.structs.replace(
        entry,
        kind=kind,
        before=entry.after,
        after=entry.before,
        mode_before=entry.mode_after,
        mode_after=entry.mode_before,
        was_link=entry.kind == "link",
    )


def temporary_name(entry: FileChange) -> str:
    """The name under which a path's new content waits beside it."""
    return f".maker-{hashlib.sha256(entry.path.encode()).hexdigest()[:16]}~"


class Folder:
    """A folder whose files are looked at and put in place."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        self.folder, self._kept = folder, kept

    def state(self, path: str) -> State:
        """What lies there; links are not followed."""
        with self._parent(path) as (parent, name):
            if parent is None:
                return _MISSING
            try:
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    return _FOLDER_STATE
                if stat.S_ISLNK(status.st_mode):
                    target = os.fsencode(os.readlink(name, dir_fd=parent))
                    digest = hashlib.sha256(target).hexdigest()
                    return State("link", digest, 0o777, _stamp(status))
                if stat.S_ISREG(status.st_mode):
                    mode = stat.S_IMODE(status.st_mode) & 0o777
                    return State("file", digest_of(name, parent), mode, _stamp(status))
            except FileNotFoundError:
                return _MISSING
            except PermissionError:
                return _OTHER
        return _OTHER

    def is_after(self, entry: FileChange, state: State) -> bool:
        """Whether the change is there."""
        return _is(state, entry.after, entry.mode_after, entry.kind == "link")

    def is_before(self, entry: FileChange, state: State) -> bool:
        """Whether the path is as it was."""
        return _is(state, entry.before, entry.mode_before, entry.was_link)

    def conflicts(self, entries: Sequence[FileChange]) -> tuple[str, ...]:
        """The paths that are neither as they were nor as they shall be, or not free for it."""
        removed = {os.fsdecode(path_bytes(e.path)) for e in entries if e.kind != "mode"}
        return tuple(
            entry.path
            for entry in entries
            if not self._is_known(entry) or not self._is_free(entry, removed)
        )

    def put(self, entries: Sequence[FileChange]) -> tuple[list[str], list[str]]:
        """Make the paths what they shall be: those that are now, and those that changed under us.

        `conflicts` has been asked before.
        """
        states = {entry.path: self.state(entry.path) for entry in entries}
        rest = [entry for entry in entries if not self.is_after(entry, states[entry.path])]
        writes = [entry for entry in rest if _needs_content(entry, states[entry.path])]
        aside = {entry.path: self._write_aside(entry, states[entry.path]) for entry in writes}
        sync([path for path in aside.values() if not path.is_symlink()])
        refused = []
        for entry in sorted(rest, key=_place_in_order):
            if not _same(self.state(entry.path), states[entry.path]):
                refused.append(entry.path)
            elif entry.after is None:
                self._remove(entry)
            elif entry.path in aside:
                self._rename(entry, aside[entry.path])
            else:
                self._chmod(entry)
        for path in aside.values():
            path.unlink(missing_ok=True)
        self._sync_folders(rest)
        return [entry.path for entry in entries if entry.path not in refused], refused

    def clean(self, entries: Sequence[FileChange]) -> None:
        """Remove what a killed `put` left waiting."""
        for entry in entries:
            path = self._full(entry)
            for parent in path.parents:
                if parent.resolve() == parent and parent.is_relative_to(self.folder):
                    with suppress(FileNotFoundError, NotADirectoryError):
                        (parent / temporary_name(entry)).unlink()

    def _is_known(self, entry: FileChange) -> bool:
        state = self.state(entry.path)
        # Nobody asks for ignored files whether they are still what they were.
        return entry.ignored or self.is_after(entry, state) or self.is_before(entry, state)

    def _is_free(self, entry: FileChange, removed: set[str]) -> bool:
        """Whether nothing of others is where the path, or a folder above it, has to be."""
        if entry.after is None:
            return True
        path = os.fsdecode(path_bytes(entry.path))
        place = self.folder / path
        for parent in list(Path(path).parents)[:-1]:
            above = self.folder / parent
            if os.path.lexists(above) and (above.is_symlink() or not above.is_dir()):
                return str(parent) in removed
        if place.is_symlink() or not place.is_dir():
            return True
        inside = [Path(top, name) for top, _, names in os.walk(place) for name in names]
        return all(str(name.relative_to(self.folder)) in removed for name in inside)

    def _write_aside(self, entry: FileChange, state: State) -> Path:
        """The new content under a name of its own, in the nearest folder that is there."""
        assert entry.after is not None
        parent = self._full(entry).parent
        while parent != self.folder and (parent.is_symlink() or not parent.is_dir()):
            parent = parent.parent
        aside = parent / temporary_name(entry)
        aside.unlink(missing_ok=True)
        if entry.kind == "link":
            aside.symlink_to(os.fsdecode(self._kept.read(entry.after)))
            return aside
        mode = entry.mode_after if entry.mode_after is not None else 0o644
        with open(aside, "xb") as file:  # noqa: PTH123
            self._kept.write(entry.after, file)
            os.fchmod(file.fileno(), mode)
            if state.kind == "file":
                _keep_owner(self._full(entry), file.fileno())
        return aside

    def _remove(self, entry: FileChange) -> None:
        with self._parent(entry.path) as (parent, name):
            if parent is not None:
                os.unlink(name, dir_fd=parent)
        folder = self._full(entry).parent
        with suppress(OSError):  # the first that is not empty, or is gone
            while folder != self.folder and not folder.is_symlink():
                folder.rmdir()
                folder = folder.parent

    def _rename(self, entry: FileChange, aside: Path) -> None:
        with self._parent(entry.path, make=True) as (parent, name):
            if parent is None:
                raise TreeError(f"{self._full(entry).parent} became a file or a link meanwhile")
            _remove_empty(self._full(entry))
            os.rename(aside, name, dst_dir_fd=parent)

    def _chmod(self, entry: FileChange) -> None:
        with self._parent(entry.path) as (parent, name):
            if parent is not None:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(name, flags, dir_fd=parent)
                try:
                    os.fchmod(descriptor, entry.mode_after or 0)
                finally:
                    os.close(descriptor)

    def _sync_folders(self, entries: Sequence[FileChange]) -> None:
        for folder in {self._full(entry).parent for entry in entries}:
            if folder.is_dir():
                sync([folder])

    def _full(self, entry: FileChange) -> Path:
        return self.folder / os.fsdecode(path_bytes(entry.path))

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int | None, str]]:
        """The folder of a path, opened step by step; None where a step is none, or is a link."""
        *steps, name = os.fsdecode(path_bytes(path)).split("/")
        if not {"", ".", ".."}.isdisjoint([*steps, name]):
            raise TreeError(f"{path!r} is no path in a folder")
        current = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in steps:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(step, dir_fd=current)
                following = os.open(step, _FOLDER, dir_fd=current)
                os.close(current)
                current = following
        except OSError:  # not there, no folder, or a link
            os.close(current)
            yield None, name
            return
        try:
            yield current, name
        finally:
            os.close(current)


def _place_in_order(entry: FileChange) -> tuple[bool, int]:
    """What is removed comes first, so that each path is free when something is put there."""
    return entry.after is not None, -entry.path.count("/")


def _remove_empty(folder: Path) -> None:
    """Remove a folder that holds nothing but folders: these are in nobody's tree."""
    if not folder.is_symlink():
        for top, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):  # something was put there meanwhile
                os.rmdir(top)  # noqa: PTH106


def _needs_content(entry: FileChange, state: State) -> bool:
    if entry.after is None:
        return False
    return entry.kind != "mode" or (state.kind, state.digest) != ("file", entry.after)


def _same(now: State, before: State) -> bool:
    """Whether nobody else was there; a folder may have gone with what we removed from it."""
    return now == before or (now.kind == "missing" and before.kind == "folder")


def _is(state: State, content: str | None, mode: int | None, is_link: bool) -> bool:
    if content is None:
        return state.kind in ("missing", "folder")
    if is_link:
        return state.kind == "link" and state.digest == content
    return (state.kind, state.digest, state.mode) == ("file", content, mode)


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _keep_owner(path: Path, descriptor: int) -> None:
    with suppress(OSError):  # only root may give files away
        status = path.lstat()
        os.fchown(descriptor, status.st_uid, status.st_gid)
