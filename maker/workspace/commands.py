"""Commands of the user that judge an answer: run in the working folder, ended with all they start.

Each gets the answer as JSON on its standard input, and must exit with 0. They see the user's
environment without its secrets and without what the CLI of an agent would take for its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from maker.agents import processes
from maker.core.redaction import redact
from maker.core.secret_names import names_secret
from maker.core.text import one_line, terminal_safe
from maker.errors import RunMustPause

MOST_LINES = 20
LONGEST_LINE = 300
_MOST_BYTES = 64 * 1024
_TO_THE_CLI = ("CLAUDE", "ANTHROPIC", "MCP_")
_CANNOT_RUN = (126, 127)
"""What a shell exits with where there is no such command, or it may not be run."""
_END_S = 2.0
"""How long output is still read of what has left the group of its command."""


def environment(environ: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """The variables that a command sees."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_TO_THE_CLI)
        and not names_secret(name)
        and not any(secret in value for secret in secrets)
        and redact(value) == value
    }


async def refused_by(
    command: str,
    answer: Any,
    *,
    cwd: str,
    environ: Mapping[str, str],
    timeout_s: float,
    session: str,
) -> list[str]:
    """Why the command refuses the answer: how it ended, and its last lines; empty if it accepts.

    Raises RunMustPause where it cannot be run, which says nothing about the answer.
    """
    call = f"accept {uuid.uuid4().hex}"
    variables = {**environ, **processes.mark(call, session)}
    try:
        ended, output = await _run(command, answer, cwd, variables, timeout_s)
    except OSError as error:
        raise _cannot_run(command, str(error)) from error
    finally:  # what left its group, and what was started while we were told to stop
        processes.kill(call)
    lines = [one_line(line, LONGEST_LINE) for line in terminal_safe(output).splitlines()]
    last = [line for line in lines if line][-MOST_LINES:]
    if ended == 0:
        return []
    if ended in _CANNOT_RUN:
        raise _cannot_run(command, last[-1] if last else f"it exited with {ended}")
    if ended is None:
        how = f"took longer than {timeout_s:g} s"
    else:
        how = f"exited with {ended}" if ended > 0 else f"was ended by signal {-ended}"
    return [f"`{one_line(command, 200)}` {how}", *last]


def _cannot_run(command: str, why: str) -> RunMustPause:
    return RunMustPause(
        "settings",
        f"the command that accepts answers, `{one_line(command, 200)}`, cannot be run: {why}",
        advice="Mend it, or name another one: resume with --accept COMMAND.",
    )


async def _run(
    command: str, answer: Any, cwd: str, environ: Mapping[str, str], timeout_s: float
) -> tuple[int | None, str]:
    """How the command ended (None: it took too long), and the end of what it wrote."""
    reading, writing = os.pipe()
    try:
        process = await started(command, output=writing, cwd=cwd or None, env=dict(environ))
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    output = asyncio.create_task(_end_of(reading))
    feeding = asyncio.create_task(_feed(process, answer))
    try:
        async with asyncio.timeout(timeout_s):
            ended: int | None = await process.wait()
    except TimeoutError:
        ended = None
    finally:
        feeding.cancel()
        end_group(process.pid)
        await asyncio.wait({output, feeding}, timeout=_END_S)
        output.cancel()
        if process.returncode is None:
            await process.wait()
    written = output.result() if output.done() and not output.cancelled() else b""
    return ended, written.decode(errors="replace")


async def _feed(process: asyncio.subprocess.Process, answer: Any) -> None:
    """Write the answer to a command that may not read it."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        await process.stdin.drain()
        process.stdin.close()


async def _end_of(descriptor: int) -> bytes:
    """The last bytes that come through a pipe until all its writers are gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    last = b""
    try:
        while chunk := await reader.read(_MOST_BYTES):
            last = (last + chunk)[-_MOST_BYTES:]
    except asyncio.CancelledError:
        pass  # what was written so far is what there is to show
    finally:
        transport.close()
    return last


async def started(command: str, output: int, **options: Any) -> asyncio.subprocess.Process:
    """A command of the user's, in a group of its own; its standard input waits to be fed."""
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
        **options,
    )


def end_group(leader: int) -> None:
    """End what a command has started and left running."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
