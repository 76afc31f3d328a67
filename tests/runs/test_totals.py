"""Durations and working time: counted once, and never the time that the user takes to think."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fakes import FakeClock, plan, play, step
from maker.core import events as e
from maker.core.models import TaskConfig
from maker.core.state import RunState

ONE_TRY = TaskConfig(instruction="Count the words.", step_max_retries=0)
TEN_HOURS_S = 36_000.0


def completed(event: e.Event) -> e.TaskCompleted:
    assert isinstance(event, e.TaskCompleted), event
    return event


async def test_the_time_of_a_failed_try_is_in_the_total_once_though_the_run_was_resumed() -> None:
    first = await play(lambda call: "{}", config=ONE_TRY, given=plan())
    again = await play(
        lambda call: '{"n": 1}', history=await first.records(), opening=[e.RunResumed()]
    )
    assert completed(again.events[-1]).total_duration_ms == 1000
    (step_done,) = again.of(e.StepCompleted)
    assert isinstance(step_done, e.StepCompleted)
    assert (step_done.duration_ms, step_done.cost_usd) == (1000, 0.02)


async def test_a_new_plan_keeps_the_time_of_tries_that_the_old_one_left_unfinished() -> None:
    first = await play(lambda call: "{}", config=ONE_TRY, given=plan())
    again = await play(
        lambda call: '{"n": 1}',
        history=await first.records(),
        opening=[e.RunResumed(), e.PlanCreated(plan=plan(), origin="user")],
    )
    assert completed(again.events[-1]).total_duration_ms == 1000


@pytest.mark.parametrize("answer", ["edit", "stop"])
async def test_the_time_at_the_consent_prompt_is_no_working_time(answer: str) -> None:
    clock = FakeClock()

    async def slow_user(state: RunState) -> Sequence[e.Event]:
        clock.time += TEN_HOURS_S
        mine = e.PlanCreated(plan=plan(step(0, title="mine")), origin="user")
        return [mine] if answer == "edit" else []

    limited = TaskConfig(instruction="Count the words.", max_minutes=5.0)
    session = await play(
        lambda call: '{"n": 1}',
        config=limited,
        given=plan(step(0, primary_tools=["Write"])),
        consent=slow_user,
        clock=clock,
    )
    if answer == "stop":
        allowed = e.RunResumed(options={"allow": ["write"]})
        session = await play(
            lambda call: '{"n": 1}', history=await session.records(), opening=[allowed]
        )
    completed(session.events[-1])
