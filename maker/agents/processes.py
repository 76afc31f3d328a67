"""The CLI processes that maker starts: tied to maker's life, found by a mark, ended by their id.

All of it is for Linux. On other systems nothing is found, and the SDK ends its own child some
seconds later.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from msgspec import Struct

from maker.core.text import one_line

CALL_MARK = "MAKER_AGENT_CALL"
SESSION_MARK = "MAKER_AGENT_SESSION"
PARENT_MARK = "MAKER_AGENT_PARENT"
_MARKS = b"MAKER_AGENT_"
_ROUNDS = 5
_LONGEST_COMMAND = 200


class Process(Struct, frozen=True):
    """A living process that carries maker's mark."""

    pid: int
    parent: int
    call: str
    session: str
    started_by: int
    command: str


def mark(call: str, session: str = "") -> dict[str, str]:
    """The environment variables by which the processes of a call are found again."""
    return {CALL_MARK: call, SESSION_MARK: session, PARENT_MARK: str(os.getpid())}


def marked() -> list[Process]:
    """Every living process that maker, this one or another, started for an agent."""
    return [found for pid in _pids() if (found := _read(pid)) is not None]


def of_call(call: str) -> list[Process]:
    """What is left of a call, the commands that its agent ran included."""
    return [process for process in marked() if process.call == call]


def terminate(call: str) -> None:
    """Ask this process's own child for the call to end; it ends what it started itself."""
    for process in of_call(call):
        if process.parent == os.getpid():
            _signal(process.pid, signal.SIGTERM)


def kill(call: str) -> list[Process]:
    """End all that is left of a call; what that was."""
    return _killed(lambda: of_call(call))


def kill_session(session: str) -> list[Process]:
    """End all that the agents of a session left; what that was."""
    return _killed(lambda: [process for process in marked() if process.session == session])


def _killed(find: Callable[[], list[Process]]) -> list[Process]:
    """Kill what is found until nothing is: a process may start another before it dies."""
    killed: dict[int, Process] = {}
    for _ in range(_ROUNDS):
        if not (found := find()):
            break
        for process in found:
            killed.setdefault(process.pid, process)
            _signal(process.pid, signal.SIGKILL)
    return list(killed.values())


def orphans() -> list[Process]:
    """Marked processes whose maker is gone."""
    alive = set(_pids())
    return [process for process in marked() if process.started_by not in alive]


def cli_path() -> str | None:
    """Where the CLI is: beside the SDK, or on the PATH. Does not import the SDK."""
    spec = importlib.util.find_spec("claude_agent_sdk")
    bundled = Path(spec.origin).parent / "_bundled" / "claude" if spec and spec.origin else None
    return str(bundled) if bundled and bundled.is_file() else shutil.which("claude")


def tied_cli(folder: Path) -> str | None:
    """A script that starts the CLI so that it ends when maker is killed; None where impossible.

    Without it a CLI outlives a killed maker by minutes, at work beside the run that is resumed.
    """
    cli = cli_path()
    if cli is None or not can_tie():
        return None
    script = folder / "claude"
    script.write_text(f'#!/bin/sh\nexec setpriv --pdeathsig TERM -- {shlex.quote(cli)} "$@"\n')
    script.chmod(0o700)
    return str(script) if os.access(script, os.X_OK) else None


@cache
def can_tie() -> bool:
    """Whether this system can end a child together with its parent."""
    command = ["setpriv", "--pdeathsig", "TERM", "--", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=5, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _pids() -> Iterator[int]:
    proc = Path("/proc")
    if proc.is_dir():
        yield from (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def _read(pid: int) -> Process | None:
    folder = Path(f"/proc/{pid}")
    try:
        environ = (folder / "environ").read_bytes()
        if _MARKS not in environ:
            return None
        marks = dict(item.split(b"=", 1) for item in environ.split(b"\0") if _MARKS in item[:12])
        status = (folder / "stat").read_text().rpartition(")")[2].split()
        words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except (OSError, ValueError):  # gone meanwhile, or somebody else's
        return None
    started_by = marks.get(PARENT_MARK.encode(), b"")
    if status[0] == "Z" or not started_by.isdigit():
        return None
    call, session = (
        marks.get(name.encode(), b"").decode(errors="replace") for name in (CALL_MARK, SESSION_MARK)
    )
    command = one_line(b" ".join(words).decode(errors="replace"), _LONGEST_COMMAND)
    return Process(pid, int(status[1]), call, session, int(started_by), command)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
