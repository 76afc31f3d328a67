"""The files of a working tree that git does not track and would not leave out."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from maker.workspace.git.ignore import Pattern, parse_ignore, verdict

MOST_WALKED = 20_000
MOST_TRIED = 2_000_000
"""Patterns tried on names."""
_LARGEST_TEXT = 1_000_000


class _Level(NamedTuple):
    """The patterns of one file, and how deep below the top its folder is."""

    depth: int
    patterns: list[Pattern]


class Untracked:
    """Iterates over paths relative to `folder`; `complete` is false where it gave up."""

    def __init__(self, top: Path, folder: Path, tracked: Container[str], excluded: str) -> None:
        self.complete = True
        self._folder, self._tracked = folder, tracked
        self._inside = folder.relative_to(top).parts
        self._levels = [_Level(0, parse_ignore(excluded))]
        for depth in range(len(self._inside)):
            self._levels += _level(top.joinpath(*self._inside[:depth]), depth)
        self._walked = self._tried = 0

    def __iter__(self) -> Iterator[str]:
        waiting: list[tuple[tuple[str, ...], list[_Level]]] = [((), self._levels)]
        while waiting:
            parts, levels = waiting.pop()
            here = self._folder.joinpath(*parts)
            levels = levels + _level(here, len(self._inside) + len(parts))
            for entry in _listed(here):
                self._walked += 1
                if self._walked > MOST_WALKED or self._tried > MOST_TRIED:
                    self.complete = False
                    return
                path = (*parts, entry.name)
                is_folder = entry.is_dir(follow_symlinks=False)
                if "/".join(path) in self._tracked or self._is_left_out(path, is_folder, levels):
                    continue
                if not is_folder:
                    yield "/".join(path)
                elif not os.path.lexists(here / entry.name / ".git"):  # a repository of its own
                    waiting.append((path, levels))

    def _is_left_out(self, path: tuple[str, ...], is_folder: bool, levels: list[_Level]) -> bool:
        whole = self._inside + path
        for depth, patterns in reversed(levels):
            self._tried += len(patterns)
            decided = verdict(patterns, whole[depth:], is_folder)
            if decided is not None:
                return decided
        return False


def _level(folder: Path, depth: int) -> list[_Level]:
    text = text_of(folder / ".gitignore")
    return [_Level(depth, parse_ignore(text))] if text else []


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """What is in the folder but git's own; nothing where it may not be looked into."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in islice(entries, MOST_WALKED) if entry.name != ".git"]
    except OSError:
        return []
    return sorted(listed, key=lambda entry: entry.name)


def text_of(path: Path) -> str | None:
    """The text of a plain file that is no link; None where there is none, or too much."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_TEXT:
            return None
        return file.read(_LARGEST_TEXT).decode("utf-8", "surrogateescape")
