"""How calls are kept under way: in tasks, or driven in place to their first wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from maker.core import events as e
from maker.core.loop import carry_out
from maker.core.models import CallKey
from maker.core.moves import Ask, Emit, Move
from maker.errors import RunMustPause


class Calls:
    """Two calls, `waiting` and `instant`, and the event that follows when both are answered."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self.tasks: dict[str, asyncio.Task[None] | None] = {}
        self.go_on = asyncio.Event()
        self.is_emitted = False

    def moves(self) -> Iterator[Move]:
        keys = ("waiting", "instant")
        open_keys = tuple(CallKey(key) for key in keys if key not in self.answered)
        if open_keys:
            yield Ask(open_keys)
        elif not self.is_emitted:
            self.is_emitted = True
            yield Emit(e.ForEachStarted(step=0, title="t", items=0))

    async def ask(self, key: CallKey) -> None:
        if key == "waiting":
            await self.go_on.wait()
        self.tasks[key] = asyncio.current_task()
        self.answered.append(key)
        self.go_on.set()


@pytest.mark.parametrize("at_once", [True, False])
async def test_calls_are_answered_in_place_or_in_tasks_with_the_same_events(at_once: bool) -> None:
    calls = Calls()
    events = [event async for event in carry_out(calls.moves, calls.ask, at_once=at_once)]
    assert events == [e.ForEachStarted(step=0, title="t", items=0)]
    assert calls.answered == ["instant", "waiting"]
    assert (calls.tasks["instant"] is asyncio.current_task()) is at_once
    assert calls.tasks["waiting"] is not asyncio.current_task()


async def test_a_driven_call_that_waits_is_cancelled_where_it_waits() -> None:
    cancelled = []

    class Hanging(Calls):
        async def ask(self, key: CallKey) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(key)
                raise

    calls = Hanging()
    consumer = asyncio.ensure_future(anext(carry_out(calls.moves, calls.ask, at_once=True)))
    await asyncio.sleep(0)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert sorted(cancelled) == ["instant", "waiting"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_call_that_must_pause_lets_those_under_way_end(at_once: bool) -> None:
    class Pausing(Calls):
        async def ask(self, key: CallKey) -> None:
            if key == "instant":
                asyncio.get_running_loop().call_soon(self.go_on.set)
                raise RunMustPause("budget", "spent")
            await super().ask(key)

    calls = Pausing()
    with pytest.raises(RunMustPause, match="spent"):
        await anext(carry_out(calls.moves, calls.ask, at_once=at_once))
    assert calls.answered == ["waiting"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_call_that_gives_itself_up_is_a_defect_and_no_interruption(at_once: bool) -> None:
    class GivingUp(Calls):
        async def ask(self, key: CallKey) -> None:
            raise asyncio.CancelledError

    calls = GivingUp()
    with pytest.raises(Exception, match="gave up call"):
        await anext(carry_out(calls.moves, calls.ask, at_once=at_once))
