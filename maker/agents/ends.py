"""How a call ends: by itself, at its deadline, cancelled; nothing that it started stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from maker.agents import processes
from maker.agents.questions import WorkingTime

LINGER_S = 3.0
"""How long the CLI may go on once a result is there; its own end takes a twentieth of a second."""
_LOOKS, _BETWEEN_LOOKS_S = 10, 0.1


async def finished(
    task: asyncio.Task[None], worked: WorkingTime, mark: str, is_answered: Callable[[], bool]
) -> bool:
    """Whether the task ends in time; where it does not, it is stopped, and its CLI is gone.

    Raises CancelledError where the caller is cancelled before the answer.
    """
    try:
        async with worked.deadline:
            await asyncio.wait({task})
    except asyncio.CancelledError:
        with suppress(asyncio.CancelledError):
            await _stop(task, worked, mark)
        if not is_answered():
            processes.kill(mark)
            raise
    except TimeoutError:
        if not task.done():
            await _stop(task, worked, mark)
            return False
    return True


async def end_left(mark: str) -> tuple[str, ...]:
    """End what the call's agent left running, and name it. Servers of the CLI may end first."""
    with suppress(asyncio.CancelledError):  # the call is over: what is left is killed at once
        for _ in range(_LOOKS):
            if not processes.of_call(mark):
                return ()
            await asyncio.sleep(_BETWEEN_LOOKS_S)
    return tuple(dict.fromkeys(process.command for process in processes.kill(mark)))


async def _stop(task: asyncio.Task[None], worked: WorkingTime, mark: str) -> None:
    """End the task and its CLI, however often the caller is cancelled meanwhile.

    The SDK cleans up well when cancelled once; a second cancel would orphan its process. It waits
    five seconds for the process to end by itself, so the process is told to end first. One that
    waits for the user is killed: cut off from the answer, it would buy one more reply.
    """
    cancelled = False
    if worked.agent_waits:
        processes.kill(mark)
    else:
        processes.terminate(mark)
    task.cancel()
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        processes.kill(mark)
        raise asyncio.CancelledError
