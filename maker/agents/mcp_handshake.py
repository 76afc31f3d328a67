"""Starts an MCP server as the CLI would, asks for its tools, and ends it: can it be used at all?

Nothing of it is recorded. What is made of the answer is decided in `maker/preflight.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from maker.agents import processes
from maker.core.text import one_line

PROTOCOL = "2025-06-18"
LIMIT_S = 30.0
"""The CLI gives a server as long to start."""
STDERR_LINES = 6

_LONGEST_LINE_BYTES = 16 * 2**20
_STDERR_BYTES = 4_096
_GRACE_S = 1.0
_LAST_WORDS_S = 0.5
_POLL_S = 0.02
_MOST_PAGES = 100


class ServerUnusable(Exception):
    """Why the server cannot be used, in words for the user; its last lines of stderr included."""


async def offered_tools(
    config: Mapping[str, Any],
    *,
    cwd: str | None,
    environ: Mapping[str, str],
    limit_s: float = LIMIT_S,
) -> list[str]:
    """The names of the tools that a stdio server with these settings offers.

    Raises ServerUnusable where it does not start, or does not answer within the limit. However
    that ends, nothing of the server is left.
    """
    mark = uuid.uuid4().hex
    variables = {**environ, **config.get("env", {}), **processes.mark(mark)}
    try:
        process = await asyncio.create_subprocess_exec(
            config["command"],
            *config.get("args", []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
            env=variables,
            limit=_LONGEST_LINE_BYTES,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ServerUnusable(f"it cannot be started: {error}") from error
    server = _Server(process)
    try:
        async with asyncio.timeout(limit_s):
            return await _tools(server)
    except TimeoutError:
        why = f"it did not answer `{server.asked}` within {limit_s:g} s"
        raise ServerUnusable(await server.described(why)) from None
    except _Failure as failure:
        raise ServerUnusable(await server.described(str(failure))) from failure
    finally:
        await server.end(mark)


class _Failure(Exception):
    """The server answered with an error, or not at all."""


class _Server:
    """A conversation in JSON-RPC, one message a line, with a process that may do anything."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr = b""
        self._listening = asyncio.create_task(self._listen())
        self._ended = asyncio.create_task(self._end())
        self._requests = 0
        self.asked = ""

    async def ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        self.asked, self._requests = method, self._requests + 1
        await self._send({"id": self._requests, "method": method, "params": parameters})
        while True:
            message = await self._message()
            if message.get("id") == self._requests and "error" in message:
                raise _Failure(f"it answered `{method}` with {json.dumps(message['error'])}")
            if message.get("id") == self._requests and "result" in message:
                result = message["result"]
                return result if isinstance(result, dict) else {}

    async def tell(self, method: str) -> None:
        """Send a notification."""
        await self._send({"method": method})

    async def described(self, why: str) -> str:
        """What went wrong, with the code that the process ended with and its last words."""
        await asyncio.wait({self._ended, self._listening}, timeout=_LAST_WORDS_S)
        code = self._process.returncode
        lines = [one_line(line, 300) for line in self._stderr.decode(errors="replace").splitlines()]
        last = [f"\n  {line}" for line in lines if line][-STDERR_LINES:]
        return "".join([why, "" if code is None else f" (exit code {code})", *last])

    async def end(self, mark: str) -> None:
        """End the process and all that it started: the end of its input asks for it, then a signal.

        Whoever is killed at once may leave behind what it should have ended: a container.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            await asyncio.wait({self._ended}, timeout=_GRACE_S)
            if not self._ended.done():
                self._signal(signal.SIGTERM)
                await asyncio.wait({self._ended}, timeout=_GRACE_S)
        finally:
            self._signal(signal.SIGKILL)
            processes.kill(mark)
        await asyncio.wait({self._ended, self._listening}, timeout=_GRACE_S)
        self._ended.cancel()
        self._listening.cancel()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        try:
            self._process.stdin.write(data + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Failure(f"it ended at `{self.asked}`") from error

    async def _message(self) -> dict[str, Any]:
        """The next line that is a message; what else a server prints is passed over."""
        while True:
            try:
                line = await self._line()
            except ValueError:
                raise _Failure("it wrote a line that is longer than any message") from None
            if not line:
                raise _Failure(f"it ended at `{self.asked}`")
            with suppress(ValueError, RecursionError):
                message = json.loads(line)
                if isinstance(message, dict):
                    return message

    async def _line(self) -> bytes:
        """A line of stdout; nothing at its end, or once the process that should write it is gone.

        A child of the process may hold the stream open for ever.
        """
        assert self._process.stdout is not None
        line = asyncio.create_task(self._process.stdout.readline())
        try:
            await asyncio.wait({line, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({line}, timeout=_LAST_WORDS_S)
            return line.result() if line.done() else b""
        finally:
            line.cancel()

    async def _end(self) -> None:
        """Wait until the process is gone; `Process.wait` waits for its streams, too."""
        while self._process.returncode is None:  # noqa: ASYNC110, no event announces it
            await asyncio.sleep(_POLL_S)

    async def _listen(self) -> None:
        """Keep the end of what it writes to stderr, and never let it wait."""
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(_STDERR_BYTES):
            self._stderr = (self._stderr + data)[-_STDERR_BYTES:]


async def _tools(server: _Server) -> list[str]:
    client = {"name": "maker", "version": "1"}
    await server.ask(
        "initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
    )
    await server.tell("notifications/initialized")
    names: list[str] = []
    page: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        answer = await server.ask("tools/list", page)
        tools = answer.get("tools")
        for tool in tools if isinstance(tools, list) else []:
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                names.append(tool["name"])
        if not isinstance(answer.get("nextCursor"), str):
            break
        page = {"cursor": answer["nextCursor"]}
    return names
