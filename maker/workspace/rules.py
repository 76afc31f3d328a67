"""What of a folder is ignored, and what is withheld: git's own, repositories within, maker's home.

Where a rule cannot be read, that is an error: what is ignored would be taken for the user's work.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from maker.workspace.git.folder import repository, tracked_below
from maker.workspace.git.ignore import Pattern, parse_ignore, verdict
from maker.workspace.trees import TreeError

TEMPORARY = re.compile(r"\.maker-[0-9a-f]{16}~")
"""Names of files that are being put in place."""
_LARGEST_RULES = 1_000_000


class _Level(NamedTuple):
    """The patterns of one file, how deep its folder is, and a quick look whether one may match."""

    depth: int
    patterns: list[Pattern]
    may_match: re.Pattern[str]


class FolderRules(NamedTuple):
    """What holds for the entries of one folder."""

    levels: tuple[_Level, ...]
    ignored: bool
    withheld: bool


class Rules:
    """The rules of a folder; their files are looked for in `roots`, the first that has one."""

    def __init__(self, folder: Path, home: Path, roots: Sequence[Path] = ()) -> None:
        self._folder, self._roots = folder, roots or (folder,)
        self._home = home.relative_to(folder).as_posix() if home.is_relative_to(folder) else None
        self._known: dict[str, FolderRules] = {}
        top, own = repository(folder) or (folder, None)
        self._inside = folder.relative_to(top).parts
        levels: list[_Level] = []
        if own is not None:
            common = own / _text(own / "commondir").strip()
            levels += _level(common / "info" / "exclude", 0)
        for depth in range(len(self._inside)):
            levels += _level(top.joinpath(*self._inside[:depth], ".gitignore"), depth)
        self._above = tuple(levels)

    def of(self, folder: str) -> FolderRules:
        """The rules for what is in a folder, named relative to the top ("" is the top)."""
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self._read(folder)
        return known

    def leaves_out(self, path: str, name: str, rules: FolderRules, is_folder: bool) -> bool:
        """Whether the entry of a folder with these rules is ignored."""
        if not rules.ignored and not self._matches(path, name, rules, is_folder):
            return False
        return path not in self.tracked

    def is_withheld(self, path: str) -> bool:
        """Whether what is there is never applied."""
        if self._home is not None and (path + "/").startswith(self._home + "/"):
            return True
        parent, _, name = path.rpartition("/")
        return name == ".git" or self.of(parent).withheld

    def is_ignored(self, path: str) -> bool:
        """Whether the file there is ignored."""
        parent, _, name = path.rpartition("/")
        return self.leaves_out(path, name, self.of(parent), is_folder=False)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """What git tracks although a pattern names it; none where its index cannot be read."""
        return frozenset(tracked_below(self._folder))

    @cached_property
    def tracked_folders(self) -> frozenset[str]:
        """The folders with something tracked in them."""
        folders = {path.rpartition("/")[0] for path in self.tracked}
        above = {folder[: at.start()] for folder in folders for at in re.finditer("/", folder)}
        return frozenset(folders | above)

    def _read(self, folder: str) -> FolderRules:
        levels, ignored, withheld = self._above, False, False
        if folder:
            parent, _, name = folder.rpartition("/")
            over = self.of(parent)
            levels, withheld = over.levels, self.is_withheld(folder) or self._is_repository(folder)
            ignored = over.ignored or self._matches(folder, name, over, is_folder=True)
        depth = len(self._inside) + (folder.count("/") + 1 if folder else 0)
        for root in self._roots:
            path = root / folder / ".gitignore"
            if os.path.lexists(path):
                return FolderRules((*levels, *_level(path, depth)), ignored, withheld)
        return FolderRules(levels, ignored, withheld)

    def _is_repository(self, folder: str) -> bool:
        return any(os.path.lexists(root / folder / ".git") for root in self._roots)

    def _matches(self, path: str, name: str, rules: FolderRules, is_folder: bool) -> bool:
        for level in reversed(rules.levels):
            if level.may_match.fullmatch(name) is None:
                continue
            whole = (*self._inside, *path.split("/"))
            decided = verdict(level.patterns, whole[level.depth :], is_folder)
            if decided is not None:
                return decided
        return False


def _level(path: Path, depth: int) -> list[_Level]:
    patterns = parse_ignore(_text(path))
    if not patterns:
        return []
    names = {pattern.segments[-1].pattern or ".*" for pattern in patterns}
    return [_Level(depth, patterns, re.compile("|".join(f"(?:{n})" for n in names), re.DOTALL))]


def _text(path: Path) -> str:
    """The text of a plain file; empty where there is none. Raises TreeError if it is unreadable."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return ""
        if status.st_size > _LARGEST_RULES:
            raise TreeError(f"{path} is too large for rules: what is ignored is not known")
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise TreeError(
            f"{path} cannot be read, so what is ignored is not known: {error.strerror}",
            advice="Make it readable, or remove it.",
        ) from error
