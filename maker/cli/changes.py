"""Which files of the working folder changed while steps with effects ran: times and sizes only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from maker.core.text import one_line

MOST_FILES = 20_000
"""More are not compared: looking would take longer than it is worth."""
_SHOWN = 8
_SKIPPED = frozenset({".git", "node_modules", ".venv", "__pycache__"})


class Stamp(NamedTuple):
    """What tells that a file was written."""

    changed_ns: int
    size: int


def snapshot(folder: str) -> dict[str, Stamp] | None:
    """The files below the folder with their stamps; None where there are too many."""
    stamps: dict[str, Stamp] = {}
    for entry in _files(folder):
        if len(stamps) == MOST_FILES:
            return None
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # it was deleted just now, or may not be seen
        stamps[os.path.relpath(entry.path, folder)] = Stamp(status.st_mtime_ns, status.st_size)
    return stamps


def difference(before: dict[str, Stamp] | None, after: dict[str, Stamp] | None) -> str:
    """The change in words, file names made harmless."""
    if before is None or after is None:
        return f"not compared, more than {MOST_FILES:,} files"
    marks = {
        **dict.fromkeys(after.keys() - before.keys(), "+"),
        **dict.fromkeys(before.keys() - after.keys(), "-"),
        **{name: "~" for name in after.keys() & before.keys() if after[name] != before[name]},
    }
    if not marks:
        return "none changed"
    lines = [f"{marks[name]}{one_line(name)}" for name in sorted(marks)]
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"{len(lines)} changed: {', '.join(lines[:_SHOWN])}{more}"


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    waiting = [Path(folder)]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            continue  # a folder that may not be looked into cannot be compared
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    waiting.append(Path(entry.path))
            else:
                yield entry
