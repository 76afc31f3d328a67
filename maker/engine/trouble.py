"""What is said while a store cannot be written, and how long that is borne."""

from __future__ import annotations

import logging
from collections.abc import Callable

from maker.errors import StoreTrouble

_TELL_EVERY_S = 30.0

Tell = Callable[[str], None]
"""Says something to whoever watches the run."""
warn: Tell = logging.getLogger("maker").warning
"""How a library says it."""


class Trouble:
    """A time in which the store cannot be written; it begins with its first error."""

    def __init__(self, now: float, patience_s: float, tell: Tell) -> None:
        self._began = now
        self._patience_s, self._tell = patience_s, tell
        self._told_at: float | None = None

    def met(self, error: StoreTrouble, waiting: int, now: float) -> None:
        """Say that so many events wait. Raises the error where patience is at an end."""
        if now - self._began >= self._patience_s:
            raise error
        if self._told_at is None:
            self._tell(
                f"waiting: {error.message}; {count(waiting)} to be stored, and no call is started. "
                f"maker tries again for {self._patience_s:g} s; Ctrl-C puts what waits into a "
                "rescue file."
            )
        elif now - self._told_at >= _TELL_EVERY_S:
            self._tell(f"waiting for {now - self._began:.0f} s: {count(waiting)} to be stored")
        else:
            return
        self._told_at = now

    def passed(self, now: float) -> None:
        """Say that it is over."""
        self._tell(f"the database can be written again, after {now - self._began:.0f} s")


def count(events: int) -> str:
    """How many events wait."""
    return "1 event waits" if events == 1 else f"{events} events wait"
