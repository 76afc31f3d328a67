"""Data that comes with an instruction: recorded once, seen by the planner and by steps that ask."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fakes import PLAN_TEXT, ScriptedAgent, config, plan, play, step
from maker import MemoryStore, run_task
from maker.core import events as e
from maker.core.models import MOST_CONTEXT_CHARACTERS, AgentCall, TaskConfig
from maker.errors import ConfigError

DIFF = "--- a/x.py\n+++ b/x.py\n-boom at line 42\n"
PLAN = PLAN_TEXT.replace(
    "    output_variable", "    input_variables: [context]\n    output_variable"
)


def calls(agent: ScriptedAgent, role: str) -> list[AgentCall]:
    return [call for call in agent.calls if call.role == role]


async def test_the_context_reaches_the_planner_and_the_steps_that_name_it() -> None:
    agent = ScriptedAgent(lambda call: PLAN if call.role == "plan" else '{"n": 3}')
    session = await play(agent, context=DIFF)
    assert session.of(e.TaskCompleted)
    assert len(agent.calls) == 2
    for call in agent.calls:
        assert f"<context>\n{DIFF.strip()}\n</context>" in call.prompt


async def test_a_step_that_does_not_name_the_context_never_sees_it() -> None:
    agent = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 3}')
    session = await play(agent, context=DIFF)
    assert session.of(e.TaskCompleted)
    assert "boom" not in calls(agent, "step")[0].prompt
    (passed,) = session.of(e.ValidationPassed)
    assert [w.check for w in passed.warnings] == ["context"]


async def test_the_context_is_recorded_once_with_the_submission() -> None:
    session = await play(lambda call: '{"n": 3}', given=plan(reads()), context=DIFF)
    log = [record for record in await session.records() if b"boom" in record.payload]
    assert [record.type for record in log] == ["TaskSubmitted"]
    submitted = e.decode(log[0].payload)
    assert isinstance(submitted, e.TaskSubmitted)
    assert submitted.context == DIFF


async def test_each_item_of_a_list_may_see_the_context() -> None:
    steps = plan(
        step(0, output_schema="{names: [string]}", next_step_sequence_number=1),
        step(1, for_each="step_0_output.names", input_variables=["context", "item"]),
    )
    agent = ScriptedAgent(lambda c: '{"names": ["a", "b"]}' if "/0.0/" in c.key else '{"n": 1}')
    session = await play(agent, given=steps, context=DIFF)
    assert session.of(e.TaskCompleted)
    assert ["boom" in call.prompt for call in agent.calls] == [False, True, True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_variables": ["context"]}, "nothing was given"),
        ({"input_variables": ["context.files"]}, "one text"),
        ({"for_each": "context"}, "one text"),
    ],
)
async def test_a_plan_that_cannot_have_its_context_is_refused_before_any_step(
    changes: dict[str, Any], message: str
) -> None:
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    context = "" if "nothing" in message else DIFF
    session = await play(agent, given=plan(step(0, **changes)), context=context)
    (refused,) = session.of(e.ValidationFailed)
    assert message in str(refused.errors)
    assert agent.calls == []


async def test_the_largest_context_that_is_let_in_fits_into_a_step() -> None:
    most = "\n" * (MOST_CONTEXT_CHARACTERS - 1) + "x"
    session = await play(lambda call: '{"n": 3}', given=plan(reads()), context=most)
    assert session.of(e.TaskCompleted)


async def test_a_context_beside_large_inputs_is_refused_before_the_call() -> None:
    steps = plan(
        step(0, output_schema="{text: string}", next_step_sequence_number=1),
        step(1, input_variables=["context", "step_0_output.text"]),
    )
    large = msgspec.json.encode({"text": "y" * 200_000}).decode()
    agent = ScriptedAgent(lambda call: large)
    session = await play(
        agent, given=steps, context="x" * 300_000, config=config(step_max_retries=0)
    )
    (failed,) = session.of(e.StepFailed)
    assert "the largest is context" in failed.error
    assert len(agent.calls) == 1


async def test_a_context_that_is_too_long_is_refused_before_anything_is_written() -> None:
    store = MemoryStore()
    task = TaskConfig(instruction="Review.", agent="simulated")
    with pytest.raises(ConfigError, match="400,001 characters") as refused:
        async for _ in run_task(task, store=store, context="x" * (MOST_CONTEXT_CHARACTERS + 1)):
            pass
    assert refused.value.field == "context"
    assert "excerpt" in refused.value.advice


async def test_a_context_must_be_text() -> None:
    task = TaskConfig(instruction="Review.", agent="simulated")
    with pytest.raises(ConfigError, match="not a string"):
        async for _ in run_task(task, store=MemoryStore(), context=b"bytes"):  # type: ignore[arg-type]
            pass


async def test_a_context_is_clean_and_without_secrets_from_the_entrance_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUILD_TOKEN", "hunter2-hunter2")
    key = f"sk-ant-{'a' * 20}"
    task = TaskConfig(instruction="Review.", agent="simulated")
    events = [
        event
        async for event in run_task(
            task, store=MemoryStore(), context=f"{key} hunter2-hunter2 \ud800 end"
        )
    ]
    submitted = events[0]
    assert isinstance(submitted, e.TaskSubmitted)
    assert submitted.context == "[redacted:anthropic-key] [redacted:secret] \ufffd end"


def reads() -> Any:
    return step(0, input_variables=["context"])
