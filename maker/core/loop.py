"""The loop that every module's `process` is: emit or ask what the pure next move says."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from functools import partial
from typing import Any, TypeAlias

from maker.core.events import Event
from maker.core.models import CallKey
from maker.core.moves import Ask, Do, Emit, Move, Pause
from maker.errors import MakerError, RunMustPause

Moves = Callable[[], Iterator[Move]]
Call: TypeAlias = Coroutine[Any, Any, None]
AskFor = Callable[[CallKey], Call]
DoIt = Callable[[Do], Call]


async def carry_out(
    moves: Moves, ask: AskFor, do: DoIt | None = None, *, at_once: bool = False
) -> AsyncGenerator[Event, None]:
    """Yield each derived event as it becomes due, keeping every open call and check under way.

    The consumer must have appended an event before it asks for the next. When a call cannot be
    made now, those already under way are waited for before RunMustPause is raised: they are paid.
    `at_once`: the agent tends to answer without waiting, so a call gets a task only if it waits.
    """
    tasks: dict[str, asyncio.Future[None]] = {}
    try:
        while True:
            emitted, open_keys, to_do, pause = _next(moves())
            if emitted is not None:
                yield emitted
                continue
            is_answered = False
            for key in open_keys:
                if key not in tasks:
                    task = _driven(ask(key)) if at_once else asyncio.create_task(ask(key))
                    if task is None:
                        is_answered = True
                    else:
                        tasks[key] = task
            if is_answered:
                continue
            for each in to_do:
                name = f"{type(each.value).__name__} of {each.key}"
                if do is not None and name not in tasks:
                    tasks[name] = asyncio.create_task(do(each))
            if tasks:
                await _first_of(tasks)
            elif pause is not None:
                raise RunMustPause(pause.reason, pause.detail)
            else:
                return
    finally:
        await _stop(tasks)


def _next(moves: Iterator[Move]) -> tuple[Event | None, list[CallKey], list[Do], Pause | None]:
    """The first event that is due; otherwise all that is open, and a pause if there is one."""
    keys: list[CallKey] = []
    to_do: list[Do] = []
    pause = None
    for move in moves:
        match move:
            case Emit(event):
                return event, [], [], None
            case Do():
                to_do.append(move)
            case Ask(open_keys):
                keys.extend(open_keys)
            case Pause():
                pause = pause or move
    return None, keys, to_do, pause


def _driven(call: Call) -> asyncio.Future[None] | None:
    """The call, driven to its first wait: None if it has ended, a task for its rest if it waits.

    What it awaits before that may not ask for the current task, which is another's.
    """
    try:
        waits_for = call.send(None)
    except StopIteration:
        return None
    except BaseException as error:
        failed = asyncio.get_running_loop().create_future()
        if isinstance(error, asyncio.CancelledError):
            failed.cancel()
        else:
            failed.set_exception(error)
        return failed
    return asyncio.create_task(_finished(call, waits_for))


async def _finished(call: Call, waits_for: Any) -> None:
    await _rest(call, waits_for)


@types.coroutine
def _rest(call: Call, waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a call that waits for something already."""
    while True:
        try:
            value = yield waits_for
        except BaseException as error:
            go_on = partial(call.throw, error)
        else:
            go_on = partial(call.send, value)
        try:
            waits_for = go_on()
        except StopIteration:
            return


async def _first_of(tasks: dict[str, asyncio.Future[None]]) -> None:
    """Wait until a call has ended and forget those that have; re-raise what one of them raised."""
    await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    failed: BaseException | None = None
    for name in [name for name, task in tasks.items() if task.done()]:
        task = tasks.pop(name)
        if task.cancelled():  # by itself: that must not pass for an interruption by the user
            message = f"the agent gave up call {name} without an answer or an error"
            failed = MakerError(message, advice="Resume the run.")
        else:
            failed = task.exception() or failed
    if failed is None:
        return
    if isinstance(failed, RunMustPause) and tasks:
        await asyncio.wait(tasks.values())
    raise failed


async def _stop(tasks: dict[str, asyncio.Future[None]]) -> None:
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
