"""Which paths the file tools of an agent may touch, compared exactly. Pure: `real` knows the disk.

Beside the CLI's own rules, never instead: those ignore letter case and do not say what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from posixpath import isabs, join, normpath
from typing import Any

from msgspec import Struct

EDITORS = ("Write", "Edit", "NotebookEdit")
READERS = ("Read", "Glob", "Grep")
_FIELDS = {"NotebookEdit": "notebook_path", "Glob": "path", "Grep": "path", "WebFetch": "url"}
_OPTIONAL = ("Glob", "Grep")
_BLANKS = re.compile(r"^[\s\ufeff]+|[\s\ufeff]+$")
_PATTERN = re.compile(r"[^/]*[*?\[\]{}()!+@|\\]")
_BETWEEN_NAMES = re.compile(r"[/{},|()\\]+")
_BEGINS_ANEW = re.compile(r"[{,|(]\s*[/~]")

Real = Callable[[str], str]
"""The path without links and `..`, as the disk has it; ValueError where it can be none."""


class Bounds(Struct, frozen=True):
    """Real folders below which files may be changed, and real folders and files to read."""

    write: tuple[str, ...]
    read: tuple[str, ...]


def path_of(tool: str, told: Mapping[str, Any]) -> str:
    """The path or URL that a tool is told, for people; a pattern stands for one that it lacks."""
    value = told.get(_FIELDS.get(tool, "file_path")) or (
        told.get("pattern") if tool == "Glob" else ""
    )
    return value if isinstance(value, str) else ""


def refusal(
    tool: str, told: Mapping[str, Any], bounds: Bounds, *, base: str, home: str, real: Real
) -> str:
    """Why the tool may not be used so, and what is allowed; empty where nothing is against it.

    `base` is the folder in which relative paths start, `home` stands for `~`.
    """
    roots = bounds.write if tool in EDITORS else bounds.read
    field = _FIELDS.get(tool, "file_path")
    path = told.get(field)
    if not path and tool in _OPTIONAL:
        path = base
    if not isinstance(path, str) or not path.strip():
        return f"{field} is no path"
    paths = [path]
    if tool == "Glob":
        pattern = told.get("pattern")
        if not isinstance(pattern, str) or _may_climb(pattern):
            return _words(tool, f"the pattern {pattern!r}", roots)
        folder = pattern[: _end_of_folder(pattern)]
        bare = _BLANKS.sub("", folder)
        starts_elsewhere = isabs(bare) or bare == "~" or bare.startswith("~/")
        paths.append(folder if starts_elsewhere else join(path, folder))
    if all(_is_inside(path, roots, base=base, home=home, real=real) for path in paths):
        return ""
    return _words(tool, path_of(tool, told) or base, roots)


def _is_inside(path: str, roots: Iterable[str], *, base: str, home: str, real: Real) -> bool:
    """As the path stands, and as the CLI takes it: without outer blanks, `~` as the home."""
    bare = _BLANKS.sub("", path)
    if bare == "~" or bare.startswith("~/"):
        bare = join(home, bare[2:])
    for reading in dict.fromkeys([path, bare]):
        try:
            place = real(join(base, reading))
        except ValueError:
            return False
        if not any(place == root or place.startswith(f"{root.rstrip('/')}/") for root in roots):
            return False
    return True


def _end_of_folder(pattern: str) -> int:
    """Where the names without wildcards end, and those with begin."""
    found = _PATTERN.search(pattern)
    return found.start() if found else len(pattern)


def _may_climb(pattern: str) -> bool:
    """Whether what comes after the first wildcard could lead out of the folder before it."""
    rest = pattern[_end_of_folder(pattern) :]
    return ".." in _BETWEEN_NAMES.split(rest) or bool(_BEGINS_ANEW.search(rest))


def _words(tool: str, path: str, roots: Iterable[str]) -> str:
    may = "change files" if tool in EDITORS else "read"
    return f"{path} is out of bounds: you may {may} only below {', '.join(map(normpath, roots))}"
