"""Files that are locked as long as a process lives: how it is seen what the dead have left."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def locked(file: Path) -> int | None:
    """The descriptor that holds the lock; None where a living process holds it.

    The lock ends with the descriptor: at the latest when the process does.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def shared(file: Path) -> Iterator[None]:
    """Hold the lock together with others who share it; waits for who holds it alone."""
    with _waited_for(file, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold the lock alone; waits for all others."""
    with _waited_for(file, fcntl.LOCK_EX):
        yield


@contextmanager
def _waited_for(file: Path, kind: int) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
