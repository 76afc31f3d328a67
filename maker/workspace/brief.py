"""The workspace brief: what the planner is told of the folder that a run works in.

Reads the folder once, before the run begins, and starts no program: the text is recorded and never
read again. What is in it is data from others: it may be hostile, and is only ever quoted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from maker.errors import ConfigError
from maker.workspace.git.folder import git_folder

MOST_PATHS = 200
MOST_README_CHARS = 3_000
MOST_WALKED = 20_000
LONGEST_PATH = 300

_VENDORED = frozenset(
    {
        *("node_modules", "vendor", "third_party", "venv", "env", "site-packages"),
        *("__pycache__", "dist", "build", "target", "coverage"),
    }
)
_READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md")


def describe_workspace(cwd: Path, *, limit_chars: int = 60_000) -> str:
    """The brief, at most `limit_chars` long: the folder, its git state, paths, README."""
    if not cwd.is_dir():
        raise ConfigError(
            f"the working folder {cwd} does not exist or is no folder",
            field="cwd",
            advice="Name an existing folder with --cwd.",
        )
    git = git_folder(cwd)
    state = "not a repository"
    if git is not None:
        files = "changed files not known" if git.changed is None else f"{git.changed} changed files"
        branch = _shown(git.branch) or "(detached)"
        state = f"branch {branch}, {files} (staged ones not counted)"
    paths = _paths(git.files if git else _walk(cwd))
    around = "\n".join([f"Folder: {_shown(cwd.resolve().name)}", f"Git: {state}", paths])
    return _cut("\n\n".join(part for part in (around, _readme(cwd)) if part), limit_chars)


def _paths(names: Iterable[str]) -> str:
    kept = sorted(
        {name for name in names if _is_shown(name)}, key=lambda name: (name.count("/"), name)
    )
    if not kept:
        return "Files: none"
    some = kept[:MOST_PATHS]
    head = f"Files ({len(some)} of {len(kept)}; hidden and vendored ones left out):"
    return "\n".join([head, *map(_shown, some)])


def _walk(cwd: Path) -> Iterator[str]:
    """The files below a folder that is no repository; gives up quietly in a huge one."""
    seen = 0
    for folder, folders, files in os.walk(cwd):
        folders[:] = sorted(name for name in folders if _is_shown(name))
        for name in sorted(files):
            seen += 1
            if seen > MOST_WALKED:
                return
            yield os.path.relpath(os.path.join(folder, name), cwd)  # noqa: PTH118


def _is_shown(path: str) -> bool:
    return not any(part.startswith(".") or part in _VENDORED for part in PurePosixPath(path).parts)


def _shown(name: str) -> str:
    """The name on one line; one with control characters or broken text is written escaped."""
    safe = name if name.isprintable() else ascii(name)
    return safe if len(safe) <= LONGEST_PATH else safe[: LONGEST_PATH - 1] + "…"


def _readme(cwd: Path) -> str:
    """The beginning of the README, unless it is a link that leads out of the folder."""
    for name in _READMES:
        path = cwd / name
        try:
            if path.is_file() and path.resolve().is_relative_to(cwd.resolve()):
                with path.open(encoding="utf-8", errors="replace") as file:
                    text = file.read(MOST_README_CHARS + 1)
                return f"{name} (its beginning):\n{_cut(text.strip(), MOST_README_CHARS)}"
        except OSError:
            return f"{name}: cannot be read"
    return ""


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    mark = "\n(cut here)"
    return text[: max(limit - len(mark), 0)].rstrip() + mark if limit > len(mark) else ""
