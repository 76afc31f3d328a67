"""Waiting for the end of a usage limit."""

from __future__ import annotations

import asyncio
import re

import pytest

from fakes import FakeClock, Play, ScriptedAgent, config, plan, play
from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import AgentCall
from maker.core.policy import LONGEST_WAIT_S
from maker.core.state import summary
from maker.engine.clock import rest
from maker.errors import AgentUnavailable

HOUR = 3600.0


async def limited_for(seconds: float, wait_hours: float) -> tuple[Play, FakeClock]:
    clock, asked = FakeClock(), []

    def script(call: AgentCall) -> str | Exception:
        asked.append(call)
        if len(asked) > 1:
            return '{"n": 1}'
        return AgentUnavailable("rate_limit", "limit reached", retry_after_s=seconds)

    settings = config(wait_hours=wait_hours)
    run = await play(ScriptedAgent(script), config=settings, given=plan(), clock=clock)
    return run, clock


@pytest.mark.parametrize(
    ("hours", "wait_hours", "goes_on"),
    [(6, 12, True), (6, 0, False), (13, 12, False), (0.2, 0, True)],
)
async def test_it_is_waited_for_as_long_as_the_user_says(
    hours: float, wait_hours: float, goes_on: bool
) -> None:
    run, clock = await limited_for(hours * HOUR, wait_hours)
    assert bool(run.of(e.TaskCompleted)) is goes_on
    if goes_on:
        assert sum(clock.waits) == pytest.approx(hours * HOUR, abs=61)
    else:
        assert run.of(e.RunPaused)[-1].reason == "rate_limit"


async def test_a_long_wait_is_no_working_time_and_lists_say_until_when() -> None:
    run, _ = await limited_for(6 * HOUR, 12)
    assert run.orchestrator is not None
    assert run.orchestrator.state.active_s < 60
    retried = next(n for n, ev in enumerate(run.events) if isinstance(ev, e.AgentRetried))
    waiting = summary(fold(run.events[: retried + 1]))
    assert waiting.status == "running"
    assert re.fullmatch(r"waiting until \d{4}-\d\d-\d\d \d\d:\d\d UTC", waiting.reason)
    assert summary(run.orchestrator.state).reason == ""


async def test_a_wait_over_a_closed_lid_ends_when_the_clock_on_the_wall_says() -> None:
    clock = FakeClock()

    class Asleep(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            self.time += 7 * HOUR  # the lid is closed for the night

    clock = Asleep()
    await rest(clock, 6 * HOUR, asyncio.Event())
    assert len(clock.waits) == 1


async def test_a_pause_ends_the_wait() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    stop.set()
    await rest(clock, 2 * LONGEST_WAIT_S, stop)
    assert clock.waits == []
