"""Processes of `maker` for the tests of its command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from forked import Forked

Fork = Callable[..., Forked]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Starts `maker` in a child process: `fork("run", "...", terminal=True, EDITOR="vi")`.

    `stdin` is a descriptor that stays open here; without one it is /dev/null.
    """
    started: list[Forked] = []

    def start(
        *args: str, terminal: bool = False, stdin: int | None = None, **environ: str
    ) -> Forked:
        environ = {"TERM": "xterm", **environ}
        started.append(Forked(args, terminal=terminal, stdin=stdin, environ=environ))
        return started[-1]

    yield start
    for process in started:
        process.close()


Pipe = Callable[..., int]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """Makes a real pipe the standard input: `pipe(b"data")`; `open_end=True`: more may come.

    Gives the descriptor that writes to it, or -1 where it is closed already.
    """
    descriptors: list[int] = []

    def make(data: bytes = b"", *, open_end: bool = False) -> int:
        reader, writer = os.pipe()
        monkeypatch.setattr(sys, "stdin", open(reader, encoding="utf-8"))  # noqa: SIM115, PTH123
        os.write(writer, data)  # less than a pipe holds
        if not open_end:
            os.close(writer)
            return -1
        descriptors.append(writer)
        return writer

    yield make
    for descriptor in descriptors:
        os.close(descriptor)
