"""A PostgreSQL server of the test suite's own: started once, on a socket in a temporary folder.

It needs the server's programs (Debian: `postgresql`, Homebrew: `postgresql@17`), no running
service, no port and no password. The server refuses to run as root, so that root lends it a user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_USERS = ("postgres", "nobody")
_SETTINGS = "-c listen_addresses= -c fsync=off -c shared_buffers=16MB -c max_connections=30"


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: on the PATH, or where Debian keeps the newest."""
    on_path = shutil.which("initdb")
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda program: float(program.parts[-3]),
    )
    found = [Path(on_path)] if on_path else debian[-1:]
    return found[0].resolve().parent if found else None


@contextmanager
def started(folder_of_programs: Path) -> Iterator[str]:
    """The URL of an empty database on a new server, which ends with the block."""
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="maker-postgres-"))  # a socket's path must be short
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def call(program: str, *arguments: str) -> None:
        command = [str(folder_of_programs / program), "-D", str(folder / "data"), *arguments]
        done = subprocess.run(
            command,
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=owner and (),
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            log = folder / "log"
            raise RuntimeError(f"{program}: {done.stdout}{log.read_text() if log.exists() else ''}")

    try:
        call("initdb", "-A", "trust", "-U", "maker", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-w", "-l", f"{folder}/log", "-o", f"-k {folder} {_SETTINGS}", "start")
        try:
            yield f"postgresql://maker@/postgres?host={folder}"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """The user to lend to the server; None where we are not root and it can be ourselves."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next(known[name] for name in _USERS if name in known)
