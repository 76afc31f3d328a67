"""Who is working on a run: one process at a time, known by host, pid and start time.

The rules only; each store applies them in its own atomic way.
"""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from msgspec import Struct

from maker.core.models import RunId
from maker.errors import RunBusy


class Lease(Struct, frozen=True, kw_only=True):
    """A claim on a run until a moment (seconds since the epoch)."""

    owner: str
    expires_at: float


def this_process(session: str = "") -> str:
    """The owner string of this process: `host:pid:start`, or `host:pid:start:session`.

    A session tells two claims of one process apart.
    """
    pid = os.getpid()
    owner = f"{_host()}:{pid}:{_start_of(pid)}"
    return f"{owner}:{session}" if session else owner


def is_dead(owner: str) -> bool:
    """Whether the owner was a process of this host that is gone; False where nobody can tell."""
    host, pid, start = _parts(owner)
    return host == _host() and pid is not None and _start_of(pid) != start


def may_take(lease: Lease, owner: str, now: float) -> bool:
    """Whether `owner` may have the run: the lease is its own, run out, or its holder is dead."""
    return lease.owner == owner or lease.expires_at <= now or is_dead(lease.owner)


def busy(run: RunId, lease: Lease, now: float) -> RunBusy:
    """The error that tells who has the run, and for how long at most."""
    host, pid, _ = _parts(lease.owner)
    holder = f"process {pid} on {host}" if pid is not None else repr(lease.owner)
    return RunBusy(
        f"run {run} is being worked on by {holder}",
        advice="Wait until it ends, or stop that process and try again. If it hangs, the run is "
        f"free in {max(0.0, lease.expires_at - now):.0f} s.",
    )


def _parts(owner: str) -> tuple[str, int | None, str]:
    host, _, rest = owner.partition(":")
    pid, _, rest = rest.partition(":")
    start, _, _ = rest.partition(":")
    return host, int(pid) if pid.isascii() and pid.isdigit() else None, start


def _host() -> str:
    return platform.node().replace(":", "-") or "localhost"


def _start_of(pid: int) -> str:
    """A token that no other process with this pid has had; empty where there is no such process."""
    if Path("/proc/self/stat").exists():
        return _start_in_proc(pid)
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    return "".join(filter(str.isalnum, shown.stdout))


def _start_in_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot[:8]}-{fields[18]}"
