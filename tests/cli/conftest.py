"""Processes of `maker` for the tests of its command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from forked import Forked

Fork = Callable[..., Forked]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Starts `maker` in a child process: `fork("run", "...", terminal=True, EDITOR="vi")`."""
    started: list[Forked] = []

    def start(*args: str, terminal: bool = False, **environ: str) -> Forked:
        environ = {"TERM": "xterm", **environ}
        started.append(Forked(args, terminal=terminal, environ=environ))
        return started[-1]

    yield start
    for process in started:
        process.close()
