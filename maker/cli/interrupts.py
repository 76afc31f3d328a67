"""Turns Ctrl-C, SIGTERM and SIGHUP into one cancellation of the session's task."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Any, Self

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While entered, the first signal cancels the current task; `signum` says which it was.

    Later signals change nothing: the session is on its way out and leaves no child behind.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._muted = False
        self._installed: list[signal.Signals] = []

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "Interrupts needs a task to cancel"
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            loop.add_signal_handler(number, self._received, number, task)
            self._installed.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in self._installed:
            loop.remove_signal_handler(number)

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """Ctrl-C belongs to another program, as while an editor is open."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def _received(self, number: int, task: asyncio.Task[Any]) -> None:
        if self._muted and number == signal.SIGINT:
            return
        if self.signum is not None:
            click.echo("Still stopping; what is paid for is being recorded.", err=True)
            return
        self.signum = number
        task.cancel()
