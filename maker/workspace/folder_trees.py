"""Trees and branches of a real folder.

What is kept lies below maker's home: digests of the folder's files, contents of changes, and
branches for as long as they are open. Nothing is written to the folder but by `apply` and `undo`,
and no program is started that the folder could name: git is not asked anything.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from maker.core.models import FileChange, FileChanges
from maker.workspace import overlays, patches, places
from maker.workspace.gathering import Gathered, gather
from maker.workspace.kept import Kept
from maker.workspace.listing import Listing, Memory, listing, tree_id
from maker.workspace.locks import locked
from maker.workspace.placing import Folder, backwards
from maker.workspace.rules import Rules
from maker.workspace.trees import (
    Applied,
    BaseChanged,
    Branch,
    BranchKind,
    BranchOpen,
    Extent,
    IsolationMode,
    TreeError,
)


@dataclass(frozen=True)
class Limits:
    """How much room may be taken: by one copy of the folder, by contents of changes."""

    copy_bytes: int = 2 * 2**30
    kept_bytes: int = 4 * 2**30


@dataclass
class _Open:
    """What is known of an open branch."""

    place: Path
    lock: int
    base: Listing
    stamps: dict[str, places.Stamp]
    contents: set[str] = field(default_factory=set)


class FolderWorkspace:
    """Trees and branches of one folder, by the `Workspace` protocol."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        *,
        isolate: IsolationMode = "auto",
        limits: Limits | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.folder, self._isolate, self._now_ns = folder.resolve(), isolate, now_ns
        self._home, self._limits = home.resolve(), limits or Limits()
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:24]
        self._digests = self._home / "digests" / name
        self._branches = self._home / "branches" / name
        self._applying = self._home / "applying" / name
        self._kept = Kept(self._home / "contents", self._limits.kept_bytes)
        self._files = Folder(self.folder, self._kept)
        self._open: dict[str, _Open] = {}
        self._no_overlay: str | None = None

    def tree(self) -> str:
        """The id of what lies in the folder now."""
        return tree_id(self._listing())

    def branch(self, tree: str, name: str) -> Branch:
        """A new branch; `off` with a reason where the folder cannot be branched."""
        base = self._listing()
        if tree_id(base) != tree:
            raise BaseChanged([])
        reason = "as asked" if self._isolate == "off" else self.no_overlay()
        if not reason:
            return self._begun("overlay", tree, base, name, "")
        if self._isolate in ("auto", "copy"):
            if not (not_copied := self._not_copied()):
                try:
                    return self._begun("copy", tree, base, name, reason)
                except BaseChanged:
                    raise
                except TreeError as error:
                    not_copied = error.message
            reason = f"{reason}; {not_copied}"
        return Branch(name, tree, "off", self.folder, seen=self.folder, reason=reason)

    def no_overlay(self) -> str:
        """Why branches are no overlays; empty where they are. Tried once, with a real write."""
        if self._no_overlay is None:
            is_wanted = self._isolate in ("auto", "overlay")
            refused = overlays.refusal(self._branches, self.folder) if is_wanted else ""
            self._no_overlay = refused if is_wanted else "copies as asked"
        return self._no_overlay

    def changes(self, branch: Branch) -> FileChanges:
        """What the branch has changed. Raises BaseChanged, TreeError."""
        opened = self._open.get(branch.id)
        if opened is None:
            raise TreeError(f"there is no open branch {branch.id} of {self.folder}")
        assert branch.seen is not None
        paths = self._touched(branch, branch.seen)
        gathered = Gathered(self.folder, branch.seen, opened.base, self._kept)
        rules = Rules(self.folder, self._home, (branch.seen, self.folder))
        with self._kept.adding():
            changes = gather(gathered, rules, paths, branch.base)
            opened.contents |= changes.contents
            (opened.place / "contents").write_text("\n".join(sorted(opened.contents)))
        return changes

    def apply(self, changes: FileChanges) -> Applied:
        """Make the folder so, or nothing where there are conflicts."""
        return self._put(changes, changes.entries)

    def look(self, changes: FileChanges) -> Extent:
        """How much of the changes is in the folder."""
        done, known = [], True
        for entry in changes.entries:
            state = self._files.state(entry.path)
            done.append(self._files.is_after(entry, state))
            known &= entry.ignored or done[-1] or self._files.is_before(entry, state)
        if not known:
            return "conflict"
        return "all" if all(done) else "part" if any(done) else "none"

    def undo(self, changes: FileChanges, *, dry_run: bool = False) -> Applied:
        """Take back what is still as the changes left it."""
        left = changes.ignored
        entries = [backwards(entry) for entry in changes.entries if not entry.ignored]
        conflicts = self._files.conflicts(entries)
        rest = [entry for entry in entries if entry.path not in conflicts]
        if dry_run:
            return Applied(tuple(entry.path for entry in rest), conflicts, left)
        done = self._put(changes, rest)
        return Applied(done.paths, (*conflicts, *done.conflicts), left)

    def patch(self, changes: FileChanges) -> str:
        """The changes as text that `git apply` takes."""
        return patches.patch(changes.entries, self._kept.read)

    def discard(self, branch: Branch) -> None:
        """Remove the branch."""
        opened = self._open.pop(branch.id, None)
        if opened is not None:
            places.remove(opened.place)
            _lock_of(opened.place).unlink(missing_ok=True)
            os.close(opened.lock)

    def sweep(self) -> int:
        """Remove branches of dead processes, whatever folder they are of, and half an apply's."""
        count = 0
        for file in sorted((self._home / "branches").glob("*/*.lock")):
            if (lock := locked(file)) is not None:
                places.remove(file.with_suffix(""))
                file.unlink(missing_ok=True)
                os.close(lock)
                count += 1
        for file in _listed(self._applying, ".json"):
            if (lock := locked(file)) is not None:
                with suppress(msgspec.DecodeError):  # it was killed before anything was begun
                    entries = msgspec.json.decode(file.read_bytes(), type=list[FileChange])
                    self._files.clean(entries)
                file.unlink(missing_ok=True)
                os.close(lock)
                count += 1
        return count

    def size(self) -> int:
        """Bytes kept for this folder's digests and branches, and for contents of all folders."""
        own = 0
        for place in (self._branches, self._applying):
            with suppress(FileNotFoundError):
                own += sum(stamp.size for stamp in places.stamps(place).values())
        with suppress(FileNotFoundError):
            own += self._digests.stat().st_size
        return own + self._kept.size()

    def prune(self, keep: Collection[str]) -> int:
        """Forget all contents but these, and those of open branches, whoever opened them."""
        needed = set(keep)
        with self._kept.alone():
            for file in (self._home / "branches").glob("*/*/contents"):
                needed |= set(file.read_text().split())
            return self._kept.prune(needed)

    def _touched(self, branch: Branch, seen: Path) -> list[str]:
        """The paths that may be different in the branch. Raises TreeError."""
        try:
            if branch.kind == "overlay":
                return sorted(overlays.changed(seen, self.folder))
            now, old = places.stamps(seen), self._open[branch.id].stamps
            return sorted(path for path in old | now if old.get(path) != now.get(path))
        except OSError as error:
            raise TreeError(f"the branch {branch.id} cannot be looked through: {error}") from error

    def _listing(self) -> Listing:
        memory = Memory(self._digests)
        rules = Rules(self.folder, self._home)
        items = listing(self.folder, rules, memory, self._now_ns())
        memory.save()
        return items

    def _not_copied(self) -> str:
        """Why the folder is not copied; empty where it is."""
        self._branches.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            size = places.bytes_to_copy(self.folder, self._home)
        except OSError as error:
            return f"the folder cannot be read: {error}"
        if size > self._limits.copy_bytes and not places.can_clone(self._branches):
            most = self._limits.copy_bytes // 10**6
            return f"a copy would take {size // 10**6:,} MB, more than {most:,} MB"
        return ""

    def _begun(self, kind: BranchKind, tree: str, base: Listing, name: str, reason: str) -> Branch:
        """An open branch with a place of its own. Raises BaseChanged, TreeError."""
        name = f"{name}-{secrets.token_hex(4)}"
        place = self._branches / name
        lock = locked(_lock_of(place))
        assert lock is not None, "a name that nobody else has"
        self._open[name] = opened = _Open(place, lock, base, {})
        branch = Branch(name, tree, kind, place / "work", seen=place / "work", reason=reason)
        try:
            place.mkdir(mode=0o700)
            if kind == "overlay":
                wrapper = overlays.prepare(place, self.folder)
                return replace(branch, folder=self.folder, wrapper=wrapper, seen=place / "upper")
            places.copy(self.folder, branch.folder, self._home)
            if self._listing() != base:
                raise BaseChanged([])
            opened.stamps = places.stamps(branch.folder)
        except BaseException:
            self.discard(branch)
            raise
        return branch

    def _put(self, changes: FileChanges, entries: Sequence[FileChange]) -> Applied:
        self._refuse_open()
        conflicts = self._files.conflicts(entries)
        if conflicts:
            return Applied(conflicts=conflicts)
        intent = self._applying / f"{changes.digest}-{secrets.token_hex(4)}.json"
        lock = locked(intent)
        assert lock is not None, "a name that nobody else has"
        try:
            os.write(lock, msgspec.json.encode(entries))
            os.fsync(lock)
            done, refused = self._files.put(entries)
            return Applied(tuple(done), tuple(refused))
        except OSError as error:
            self._files.clean(entries)
            raise TreeError(f"{self.folder} cannot be written: {error}") from error
        except BaseException:
            self._files.clean(entries)
            raise
        finally:
            intent.unlink(missing_ok=True)
            os.close(lock)

    def _refuse_open(self) -> None:
        for file in _listed(self._branches, ".lock"):
            lock = None if file.stem in self._open else locked(file)
            if lock is None:
                raise BranchOpen(
                    f"the branch {file.stem} of {self.folder} is open",
                    advice="Try again when the run that works there has ended.",
                )
            os.close(lock)


def _lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _listed(folder: Path, ending: str) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(path for path in folder.iterdir() if path.name.endswith(ending))
    return []
