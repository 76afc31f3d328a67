"""The workspace brief: what the planner is told of the folder that a run works in.

Reads the folder once, before the run begins; the text is recorded and never read again. What is
in it is data from others: names and contents may be hostile, and are only ever quoted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from maker.errors import ConfigError

MOST_PATHS = 200
MOST_README_CHARS = 3_000
MOST_WALKED = 20_000
LONGEST_PATH = 300
GIT_TIMEOUT_S = 5.0

_VENDORED = frozenset(
    {
        *("node_modules", "vendor", "third_party", "venv", "env", "site-packages"),
        *("__pycache__", "dist", "build", "target", "coverage"),
    }
)
_READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md")
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


def describe_workspace(cwd: Path, *, limit_chars: int = 60_000) -> str:
    """The brief, at most `limit_chars` long: the folder, its git state, paths, README."""
    if not cwd.is_dir():
        raise ConfigError(
            f"the working folder {cwd} does not exist or is no folder",
            field="cwd",
            advice="Name an existing folder with --cwd.",
        )
    around = "\n".join([f"Folder: {_shown(cwd.resolve().name)}", _git_state(cwd), _paths(cwd)])
    return _cut("\n\n".join(part for part in (around, _readme(cwd)) if part), limit_chars)


def _git(cwd: Path, *arguments: str) -> str | None:
    """What git prints; None where there is no git, no repository, or no answer in time."""
    try:
        done = subprocess.run(
            [*_GIT, "-C", str(cwd), *arguments],
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout)


def _git_state(cwd: Path) -> str:
    branch = _git(cwd, "branch", "--show-current")
    if branch is None:
        return "Git: not a repository"
    changed = _git(cwd, "status", "--porcelain", "-z", "--no-renames", "--", ".")
    count = changed.count("\0") if changed is not None else None
    files = "changed files not known" if count is None else f"{count} changed files"
    return f"Git: branch {_shown(branch.strip()) or '(detached)'}, {files}"


def _paths(cwd: Path) -> str:
    listed = _git(cwd, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = listed.split("\0") if listed is not None else list(_walk(cwd))
    kept = sorted({name for name in names if name and _is_shown(name)}, key=_nearest_first)
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


def _nearest_first(path: str) -> tuple[int, str]:
    return path.count("/"), path


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
