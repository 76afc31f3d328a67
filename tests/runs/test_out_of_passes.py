"""A repeated step that has used up its passes."""

from __future__ import annotations

from typing import Literal

import pytest

from fakes import Play, ScriptedAgent, plan, play, step
from maker.core import events as e
from maker.core.models import Repeat
from maker.inspect.replay import replay

UNFINISHED = '{"n": 1, "done": false}'


async def never_done(on_exhausted: Literal["fail", "continue"]) -> Play:
    passes = Repeat(until="done", max_iterations=3, on_exhausted=on_exhausted)
    given = plan(
        step(0, output_schema="{n: int, done: bool}", repeat=passes, next_step_sequence_number=1),
        step(1, input_variables=["step_0_output.done"]),
    )
    return await play(ScriptedAgent(lambda call: UNFINISHED), given=given)


async def test_the_plan_goes_on_with_it_false_and_says_so() -> None:
    run = await never_done("continue")
    end = run.of(e.TaskCompleted)[0]
    assert end.result["steps"][0]["output"] == {"n": 1, "done": False}
    assert end.census is not None
    assert end.census.exhausted == 1
    assert "out of passes" in end.census.words
    assert [event.iteration for event in run.of(e.StepCompleted)] == [0, 1, 2, 0]
    assert replay(await run.records()).outcome == "identical"


@pytest.mark.parametrize("cut", range(4, 16))
async def test_cut_anywhere_it_takes_no_pass_too_many(cut: int) -> None:
    whole = await never_done("continue")
    records = await whole.records()
    agent = ScriptedAgent(lambda call: UNFINISHED)
    await play(agent, history=records[:cut], opening=[e.RunResumed()])
    replied = sum(record.type == "AgentReplied" for record in records[:cut])
    assert len(agent.calls) == 4 - replied


async def test_or_the_run_fails_where_the_plan_wants_that() -> None:
    run = await never_done("fail")
    assert "did not become true in 3 passes" in run.of(e.TaskFailed)[0].error
