"""The loop that every module's `process` is: emit or ask what the pure next move says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from maker.core.events import Event
from maker.core.models import CallKey
from maker.core.moves import Ask, Emit, Move, Pause
from maker.errors import MakerError, RunMustPause

Moves = Callable[[], Iterator[Move]]
AskFor = Callable[[CallKey], Awaitable[None]]


async def carry_out(moves: Moves, ask: AskFor) -> AsyncGenerator[Event, None]:
    """Yield each derived event as it becomes due, keeping every open call under way.

    The consumer must have appended an event before it asks for the next. When a call cannot be
    made now, those already under way are waited for before RunMustPause is raised: they are paid.
    """
    tasks: dict[CallKey, asyncio.Task[None]] = {}
    try:
        while True:
            emitted, open_keys, pause = _next(moves())
            if emitted is not None:
                yield emitted
                continue
            for key in open_keys:
                if key not in tasks:
                    tasks[key] = asyncio.create_task(_asked(ask, key), name=f"ask {key}")
            if tasks:
                await _first_of(tasks)
            elif pause is not None:
                raise RunMustPause(pause.reason, pause.detail)
            else:
                return
    finally:
        await _stop(tasks)


def _next(moves: Iterator[Move]) -> tuple[Event | None, list[CallKey], Pause | None]:
    """The first event that is due; otherwise all open calls, and a pause if there is one."""
    keys: list[CallKey] = []
    pause = None
    for move in moves:
        match move:
            case Emit(event):
                return event, [], None
            case Ask(open_keys):
                keys.extend(open_keys)
            case Pause():
                pause = pause or move
    return None, keys, pause


async def _asked(ask: AskFor, key: CallKey) -> None:
    await ask(key)


async def _first_of(tasks: dict[CallKey, asyncio.Task[None]]) -> None:
    """Wait until a call has ended and forget those that have; re-raise what one of them raised."""
    await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    failed = None
    for key in [key for key, task in tasks.items() if task.done()]:
        failed = _failure(key, tasks.pop(key)) or failed
    if failed is None:
        return
    if isinstance(failed, RunMustPause) and tasks:
        await asyncio.wait(tasks.values())
    raise failed


def _failure(key: CallKey, task: asyncio.Task[None]) -> BaseException | None:
    if task.cancelled():  # by itself: that must not pass for an interruption by the user
        message = f"the agent gave up call {key} without an answer or an error"
        return MakerError(message, advice="Resume the run.")
    return task.exception()


async def _stop(tasks: dict[CallKey, asyncio.Task[None]]) -> None:
    """Cancel what is still under way and wait for it, however often we are cancelled ourselves."""
    for task in tasks.values():
        task.cancel()
    pending = set(tasks.values())
    cancelled = False
    while pending:
        try:
            _, pending = await asyncio.wait(pending)
        except asyncio.CancelledError:
            cancelled = True
    for task in tasks.values():
        if not task.cancelled():
            task.exception()
    if cancelled:
        raise asyncio.CancelledError
