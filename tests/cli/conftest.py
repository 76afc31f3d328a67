"""Processes of `maker` for tests: forked, so that a test does not wait for imports."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from maker.cli.main import main

TIMEOUT_S = 60


class Forked:
    """`maker` in a child process; its stderr is a pipe, or a terminal that is its stdin, too."""

    def __init__(self, args: tuple[str, ...], *, terminal: bool, environ: dict[str, str]) -> None:
        self._out, out = os.pipe()
        self._err, err = pty.openpty() if terminal else os.pipe()
        if terminal:
            fcntl.ioctl(err, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._in = err if terminal else os.open(os.devnull, os.O_RDONLY)
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (self._out, self._err):
                os.close(descriptor)
            _become_maker(args, (self._in, out, err), environ)
        for descriptor in {out, err, self._in}:
            os.close(descriptor)
        self._shown, self._code = b"", -1

    @property
    def err(self) -> str:
        """What came on stderr, without escape sequences."""
        text = self._shown.decode(errors="replace").replace("\r", "")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)

    def expect(self, text: str) -> None:
        """Read stderr until the text has come since the last answer."""
        while text not in self.err:
            assert self._read(), f"ended without {text!r}:\n{self.err}"

    def answer(self, question: str, line: str) -> None:
        """Wait for the question, then type the line."""
        self.expect(question)
        self._shown = b""
        os.write(self._err, f"{line}\n".encode())

    def type(self, text: str) -> None:
        """Type without waiting for anything."""
        os.write(self._err, text.encode())

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def close_stdout(self) -> None:
        """Go away as a reader."""
        os.close(self._out)
        self._out = -1

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self._err)
        self._err = -1

    def end(self) -> tuple[int, str]:
        """Exit code and stdout; less than a pipe holds must be printed."""
        while self._err >= 0 and self._read():
            pass
        out = b""
        while self._out >= 0 and (data := os.read(self._out, 65_536)):
            out += data
        self._wait()
        return self._code, out.decode()

    def kill(self) -> None:
        """End it the hard way, if it has not ended."""
        if self._code < 0:
            os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        for descriptor in (self._out, self._err):
            if descriptor >= 0:
                os.close(descriptor)

    def _wait(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        self._code = abs(os.waitstatus_to_exitcode(status))

    def _read(self) -> bool:
        deadline = time.monotonic() + TIMEOUT_S
        ready, _, _ = select.select([self._err], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came:\n{self.err}"
        try:
            data = os.read(self._err, 65_536)
        except OSError:  # how Linux says that the other end of a terminal is closed
            return False
        self._shown += data
        return bool(data)


def _become_maker(
    args: tuple[str, ...], streams: tuple[int, int, int], environ: dict[str, str]
) -> None:
    """In the child: run the command line on these streams and never come back."""
    code = 70
    try:
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            for number in range(3)
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.update(environ)
        code = main(args)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


Fork = Callable[..., Forked]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Starts `maker` in a child process: `fork("run", "...", terminal=True, EDITOR="vi")`."""
    started: list[Forked] = []

    def start(*args: str, terminal: bool = False, **environ: str) -> Forked:
        started.append(Forked(args, terminal=terminal, environ={"TERM": "xterm", **environ}))
        return started[-1]

    yield start
    for process in started:
        process.close()
