"""When something is done to a process: at a moment counted in what it prints, buys and commits."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from forked import TIMEOUT_S

INSIDE = ("asked", "answered", "committing", "committed")
"""Moments that the process itself reaches; `printed` is seen from outside."""


class Moment(Struct, frozen=True):
    """The `count`-th time that `kind` happens, and for `printed` a little work later.

    There the process is killed, stopped, or held until it is released.
    """

    kind: str
    count: int
    then: Literal["kill", "stop", "hold"] = "kill"
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
        match self._moment.then:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "hold":
                self._gate.hold()


def watch_commits(reached: Callable[[str], None]) -> None:
    """Tell before and after each COMMIT of each SQLite connection that this process opens."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connected(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        return connect(*args, **{**kwargs, "factory": _connection(reached)})

    sqlite3.connect = sqlite3.dbapi2.connect = connected  # type: ignore[assignment]


def _connection(reached: Callable[[str], None]) -> type[sqlite3.Connection]:
    class Watched(sqlite3.Connection):
        def commit(self) -> None:
            reached("committing")
            super().commit()
            reached("committed")

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement.strip().upper() != "COMMIT":
                return super().execute(statement, *values)
            self.commit()
            return self.cursor()

    return Watched
