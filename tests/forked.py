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
import traceback
from collections.abc import Callable, Mapping, Sequence

from maker.cli.main import main

TIMEOUT_S = 60
"""Longer than anything takes on a busy machine; only a failing test waits for it."""


def nothing() -> None:
    """What is done in a child before `maker` begins: by default nothing."""


class Forked:
    """`maker` in a child process; its stderr is a pipe, or a terminal that is its stdin, too.

    `before` is called in the child before the command line is.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        terminal: bool = False,
        stdin: int | None = None,
        environ: Mapping[str, str] | None = None,
        before: Callable[[], None] = nothing,
    ) -> None:
        self._out, out = os.pipe()
        self._err, err = pty.openpty() if terminal else os.pipe()
        if terminal:
            fcntl.ioctl(err, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._in = err if terminal else os.open(os.devnull, os.O_RDONLY)
        if stdin is not None:
            self._in = os.dup(stdin)
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (self._out, self._err):
                os.close(descriptor)
            _become_maker(args, (self._in, out, err), environ or {}, before)
        for descriptor in {out, err, self._in}:
            os.close(descriptor)
        self._shown, self._printed = b"", b""
        self.status: int | None = None

    @property
    def err(self) -> str:
        """What came on stderr, without escape sequences."""
        text = self._shown.decode(errors="replace").replace("\r", "")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)

    @property
    def out(self) -> str:
        """What came on stdout."""
        return self._printed.decode()

    def expect(self, text: str, times: int = 1) -> None:
        """Read until the text has come so often on stderr since the last answer."""
        while self.err.count(text) < times:
            assert self._read(), f"ended without {text!r}:\n{self.err}"

    def expect_lines(self, number: int) -> bool:
        """Read until as many lines have come on stdout; whether they did before the end."""
        while self._printed.count(b"\n") < number:
            if not self._read():
                return False
        return True

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
        """Close the terminal, or go away as the reader of stderr."""
        os.close(self._err)
        self._err = -1

    def end(self) -> tuple[int, str]:
        """Wait for the end: the exit code (or the number of the signal) and stdout."""
        while self._read():
            pass
        return abs(self._wait()), self.out

    def kill(self) -> None:
        """End it the hard way, if it has not ended."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        for descriptor in (self._out, self._err):
            if descriptor >= 0:
                os.close(descriptor)
        self._out = self._err = -1

    def _wait(self) -> int:
        """The exit code, negative for a signal."""
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _read(self) -> bool:
        """Take what has come on one of the streams, or wait for it; False at the end of both."""
        open_ones = [stream for stream in (self._err, self._out) if stream >= 0]
        if not open_ones:
            return False
        deadline = time.monotonic() + TIMEOUT_S
        ready, _, _ = select.select(open_ones, [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came:\n{self.err}"
        data = _taken(ready[0])
        if not data:
            self._ended(ready[0])
            return self._read()
        if ready[0] == self._out:
            self._printed += data
        else:
            self._shown += data
        return True

    def _ended(self, stream: int) -> None:
        os.close(stream)
        if stream == self._out:
            self._out = -1
        else:
            self._err = -1


def _taken(stream: int) -> bytes:
    try:
        return os.read(stream, 65_536)
    except OSError:  # how Linux says that the other end of a terminal is closed
        return b""


def _become_maker(
    args: Sequence[str],
    streams: tuple[int, int, int],
    environ: Mapping[str, str],
    before: Callable[[], None],
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
        before()
        code = main(list(args))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
