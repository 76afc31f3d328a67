"""The corners of `for_each` and `repeat`: items that cannot begin, passes that ran out."""

from __future__ import annotations

import json

import pytest

from fakes import ScriptedAgent, plan, play, step
from maker.core import events as e
from maker.core.models import AgentCall, Repeat, TaskConfig
from maker.inspect.replay import replay

LIST = step(0, output_schema="{files: [string]}", next_step_sequence_number=1)
EACH = step(1, for_each="step_0_output.files")
CONFIG = TaskConfig(instruction="Count the words.", step_max_retries=0)


def listing(*items: str) -> str:
    return json.dumps({"files": items})


def no_more_than(limit: int) -> list[e.Event]:
    """A watch on a run that must not go on for ever."""

    class Bounded(list[e.Event]):
        def append(self, event: e.Event) -> None:
            super().append(event)
            assert len(self) < limit, "the run does not end"

    return Bounded()


@pytest.mark.parametrize("large", [0, 1, 2])
@pytest.mark.parametrize("at_once", [1, 4])
async def test_an_item_too_large_for_a_prompt_fails_once_and_the_others_go_on(
    large: int, at_once: int
) -> None:
    items = ["a", "b", "c"]
    items[large] = "x" * 450_000
    skipping = step(1, for_each="step_0_output.files", on_item_error="skip")
    session = await play(
        lambda call: listing(*items) if call.key.startswith("step/0") else '{"n": 1}',
        config=TaskConfig(instruction="Count the words.", samples_at_once=at_once),
        given=plan(LIST, skipping),
        on_event=no_more_than(100).append,
    )
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted), done
    expected = [None if number == large else {"n": 1} for number in range(3)]
    assert done.result["output"] == expected
    assert [event.iteration for event in session.of(e.StepFailed)] == [large]
    assert replay(await session.records()).outcome == "identical"


async def test_a_null_item_is_an_item() -> None:
    agent = ScriptedAgent(
        lambda call: '{"files": ["a", null]}' if call.key.startswith("step/0") else '{"n": 1}'
    )
    nullable = step(0, output_schema="{files: [string?]}", next_step_sequence_number=1)
    session = await play(agent, given=plan(nullable, EACH))
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted), done
    assert done.result["output"] == [{"n": 1}, {"n": 1}]
    assert "null" in agent.calls[-1].prompt


PASSES = plan(step(0, output_schema="{done: bool}", repeat=Repeat(until="done", max_iterations=2)))


async def test_a_repeated_step_that_ran_out_of_passes_has_them_again_after_a_resume() -> None:
    first = await play(lambda call: '{"done": false}', config=CONFIG, given=PASSES)
    assert isinstance(first.events[-1], e.TaskFailed)
    agent = ScriptedAgent(lambda call: '{"done": true}' if "3" in call.key else '{"done": false}')
    again = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert agent.keys == ["step/0.2/0/0", "step/0.3/0/0"]
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert replay(await again.records()).outcome == "identical"


async def test_passes_are_numbered_anew_in_a_new_plan() -> None:
    first = await play(lambda call: '{"done": false}', config=CONFIG, given=PASSES)
    failed = await play(
        lambda call: '{"done": false}',
        history=await first.records(),
        opening=[e.RunResumed(), e.PlanCreated(plan=PASSES, origin="user")],
    )
    bought = [event.key for event in failed.of(e.AgentReplied)]
    assert bought == ["step/0.0/1/0", "step/0.1/1/0"]
    assert isinstance(failed.events[-1], e.TaskFailed)


async def test_items_that_failed_are_tried_again_within_the_limit_on_samples() -> None:
    def script(call: AgentCall) -> str:
        return listing("a", "b", "c", "d") if call.key.startswith("step/0") else "{}"

    first = await play(script, config=CONFIG, given=plan(LIST, EACH))
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    again = await play(
        agent,
        history=await first.records(),
        opening=[e.RunResumed(options={"samples_at_once": 1})],
    )
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert agent.most_under_way == 1
    assert len(agent.keys) == 4
