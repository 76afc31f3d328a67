"""Who is working on a run: one process at a time, known by its place, its pid and its start.

The rules only; each store applies them in its own atomic way.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from msgspec import Struct

from maker.core.models import RunId
from maker.errors import RunBusy


class Lease(Struct, frozen=True, kw_only=True):
    """A claim on a run until a moment (seconds since the epoch)."""

    owner: str
    expires_at: float


class Owner(Struct, frozen=True):
    """What an owner string says. `start` tells apart what had the same pid, one after the other.

    A pid means something within its boot and its namespace only; an owner that was written before
    maker noted the namespace has an empty one.
    """

    host: str
    pid: int | None
    start: str
    boot: str
    namespace: str
    session: str


def parse(owner: str) -> Owner:
    """The parts of an owner string, also of one that an older maker wrote."""
    host, _, rest = owner.partition(":")
    pid, _, rest = rest.partition(":")
    start, _, session = rest.partition(":")
    boot, _, moment = start.partition("-")
    number = int(pid) if pid.isascii() and pid.isdigit() else None
    return Owner(host, number, start, boot, moment.partition("-")[2], session)


def this_process(session: str = "") -> str:
    """The owner string of this process: `host:pid:boot-start-namespace[:session]`.

    A session tells two claims of one process apart.
    """
    pid = os.getpid()
    host = platform.node().replace(":", "-") or "localhost"
    owner = f"{host}:{pid}:{_start_of(pid)}"
    return f"{owner}:{session}" if session else owner


def is_dead(owner: str) -> bool:
    """Whether the owner was a process that is gone; False where nobody here can tell.

    The processes of another host, boot or pid namespace, such as a container's, cannot be seen.
    """
    them, us = parse(owner), parse(this_process())
    same_place = (them.host, them.boot, them.namespace) == (us.host, us.boot, us.namespace)
    if not us.namespace or not same_place or them.pid is None:
        return False
    return _start_of(them.pid) != them.start


def may_take(lease: Lease, owner: str, now: float) -> bool:
    """Whether `owner` may have the run: the lease is its own, run out, or its holder is dead."""
    return lease.owner == owner or lease.expires_at <= now or is_dead(lease.owner)


def busy(run: RunId, lease: Lease, now: float) -> RunBusy:
    """The error that tells who has the run, and for how long at most."""
    owner = parse(lease.owner)
    holder = f"process {owner.pid} on {owner.host}" if owner.pid is not None else repr(lease.owner)
    return RunBusy(
        f"run {run} is being worked on by {holder}",
        advice="Wait until it ends, or stop that process and try again. If it hangs, the run is "
        f"free in {max(0.0, lease.expires_at - now):.0f} s.",
    )


_NO_NAMESPACES = "0"
"""The namespace on systems that have none: all processes see each other."""


def _start_of(pid: int) -> str:
    """A token that no other process with this pid has had; empty where there is no such process."""
    if Path("/proc/self/stat").exists():
        return _start_in_proc(pid)
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    moment = "".join(filter(str.isalnum, listing.stdout))
    return f"-{moment}-{_NO_NAMESPACES}" if moment else ""


def _start_in_proc(pid: int) -> str:
    process = "self" if pid == os.getpid() else str(pid)
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    if state in "ZX":
        return ""
    namespace = ""  # the one that we and /proc belong to; none where /proc shows another one's pids
    if str(Path("/proc/self").readlink()) == str(os.getpid()):
        namespace = re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink()))
    return f"{boot[:8]}-{fields[18]}-{namespace}"
