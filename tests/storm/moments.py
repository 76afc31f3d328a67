"""When something is done to a process: at a moment counted in what it prints, buys and commits."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

from msgspec import Struct

from forked import TIMEOUT_S

INSIDE = ("asked", "answered", "committing", "committed")
"""Moments that the process itself reaches; `printed` is seen from outside."""


class Moment(Struct, frozen=True):
    """The `count`-th time that `kind` happens, and for `printed` a little work later.

    There the process is killed, or held until it is released.
    """

    kind: str
    count: int
    then: Literal["kill", "hold"] = "kill"
    spin: int = 0

    @classmethod
    def chosen(cls, chance: random.Random, most: int) -> Moment:
        """A moment to be killed at, at most so many events away."""
        kind = chance.choice(("printed", "printed", *INSIDE))
        spin = chance.choice((0, 0, 200, 2_000, 20_000))
        return cls(kind, chance.randint(1, most), spin=spin)


class Gate:
    """Where one process is held until another one lets it go on."""

    def __init__(self) -> None:
        self._arrived, self._free = os.pipe(), os.pipe()

    def hold(self) -> None:
        """Tell that we are here, and wait."""
        os.write(self._arrived[1], b"!")
        os.read(self._free[0], 1)

    def until_held(self) -> None:
        """Wait until the other one is here."""
        ready, _, _ = select.select([self._arrived[0]], [], [], TIMEOUT_S)
        assert ready, "it never came to its moment"

    def release(self) -> None:
        """Let it go on."""
        os.write(self._free[1], b"!")

    def close(self) -> None:
        """Give the pipes back."""
        for end in (*self._arrived, *self._free):
            os.close(end)


class Trap:
    """Does to its own process what is to be done once the moment is reached."""

    def __init__(self, moment: Moment | None, gate: Gate) -> None:
        self._moment, self._gate, self._count = moment, gate, 0

    def reached(self, kind: str) -> None:
        """Count; what happens at the last time does not return before its end."""
        if self._moment is None or self._moment.kind != kind:
            return
        self._count += 1
        if self._count != self._moment.count:
            return
        if self._moment.then == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        self._gate.hold()


def watch(reached: Callable[[str], None], timeout_s: float | None = None) -> None:
    """Tell of each COMMIT, before and after, and of each statement that SQLite refuses.

    It holds for every connection that this process opens; `timeout_s` is what it waits for locks.
    """
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, *values: Any) -> Self:
            with _refusals(reached):
                return super().execute(statement, *values)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def commit(self) -> None:
            reached("committing")
            with _refusals(reached):
                super().commit()
            reached("committed")

    def connected(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        if timeout_s is not None:
            kwargs["timeout"] = timeout_s
        return connect(*args, **{**kwargs, "factory": Connection})

    sqlite3.connect = sqlite3.dbapi2.connect = connected  # type: ignore[assignment]


@contextmanager
def _refusals(reached: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError:
        reached("refused")
        raise
