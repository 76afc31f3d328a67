"""Trees, branches and changes of a working folder: what is promised of them, as plain values.

A tree is what lies in a folder, byte for byte. A branch is where an agent works on a tree without
the folder's seeing it. Changes are what became of it there, with contents kept, so that they can be
looked at, applied once and taken back long after the branch is gone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from maker.core.models import FileChanges
from maker.errors import MakerError

BranchKind = Literal["overlay", "copy", "off"]
IsolationMode = Literal["auto", "overlay", "copy", "off"]
Extent = Literal["none", "part", "all", "conflict"]
_UNWRITABLE = re.compile(rb"[\\\x80-\xff]")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


class TreeError(MakerError):
    """The working folder cannot be read, branched or written as asked; nothing was half done."""


class BaseChanged(TreeError):
    """What lies in the folder is no longer the tree that was meant; `paths` differ from it."""

    def __init__(self, paths: Collection[str]) -> None:
        self.paths = tuple(sorted(paths))
        some = ", ".join(self.paths[:3]) + (", ..." if len(self.paths) > 3 else "")
        super().__init__(
            f"{len(self.paths) or 'some'} files changed meanwhile{some and f': {some}'}",
            advice="Do the step again on what lies in the folder now.",
        )


class BranchOpen(TreeError):
    """Changes would be applied to a folder under an open branch, which would then see a mixture."""


@dataclass(frozen=True)
class Branch:
    """Where an agent works. `folder` is its working folder, `wrapper` what its CLI is started by.

    An overlay's folder has the path of the user's folder, and is another one only for what is
    started by the wrapper; `seen` is where its own files lie for everybody else. `reason` says why
    it is no better kind; `off` is the user's folder itself.
    """

    id: str
    base: str
    kind: BranchKind
    folder: Path
    wrapper: tuple[str, ...] = ()
    seen: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class Applied:
    """The paths that are now as asked, and those that are something else by somebody's doing.

    `left` are ignored files that are not taken back.
    """

    paths: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Workspace(Protocol):
    """A folder with trees and branches. Its methods block: call them in a thread."""

    def tree(self) -> str:
        """The id of what lies in the folder now, but for what is ignored. Raises TreeError."""
        ...

    def branch(self, tree: str, name: str) -> Branch:
        """A new branch of what lies in the folder. Raises BaseChanged where that is not `tree`."""
        ...

    def changes(self, branch: Branch) -> FileChanges:
        """What the branch has changed; its contents are kept from now on.

        Raises BaseChanged where a changed path is not in the folder any more as the tree had it,
        TreeError for a branch that is `off`: nobody knows what its paths held before.
        """
        ...

    def apply(self, changes: FileChanges) -> Applied:
        """Make the folder so, or nothing if there are conflicts. Again, it finishes the rest.

        Raises BranchOpen.
        """
        ...

    def look(self, changes: FileChanges) -> Extent:
        """How much of the changes is in the folder."""
        ...

    def undo(self, changes: FileChanges, *, dry_run: bool = False) -> Applied:
        """Take back what is still as the changes left it, path by path. Raises BranchOpen."""
        ...

    def patch(self, changes: FileChanges) -> str:
        """The changes as text that `git apply` takes, but for the ignored ones."""
        ...

    def discard(self, branch: Branch) -> None:
        """Remove the branch; what runs in it must have been ended. Twice is once."""
        ...

    def sweep(self) -> int:
        """Remove what dead processes left: branches, half of an apply. How many there were."""
        ...

    def size(self) -> int:
        """Bytes kept for trees, branches and changes."""
        ...

    def prune(self, keep: Collection[str]) -> int:
        """Forget all contents but these and those of open branches; the bytes that are free now."""
        ...


def path_text(path: bytes) -> str:
    r"""A path as valid text: bytes that are no UTF-8, and backslashes, as `\xNN`."""
    if not _UNWRITABLE.search(path):
        return path.decode()
    return path.replace(b"\\", b"\\x5c").decode(errors="backslashreplace")


def path_bytes(text: str) -> bytes:
    """The path of a text by `path_text`."""
    parts = _ESCAPE.split(text)
    parts[1::2] = [chr(int(code, 16)) for code in parts[1::2]]
    return b"".join(
        part.encode("latin-1") if number % 2 else part.encode() for number, part in enumerate(parts)
    )
