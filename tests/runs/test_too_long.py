"""What is too long to be read is refused before anything looks at it."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from fakes import ScriptedAgent, plan, play, reply, step
from maker.core import events as e
from maker.core.models import AgentCall, AgentError, AgentReply
from maker.core.redaction import Redactor
from maker.core.text import MOST_CHARACTERS
from maker.plan.parser import parse_plan
from maker.reading.answers import load
from maker.reading.plans import load_mapping
from maker.schema.schema import parse_schema

HUGE = 50_000_000


@pytest.mark.parametrize("text", ["x" * HUGE, '{"n": 1}' + " " * HUGE, "\u00e9\\" * (HUGE // 2)])
async def test_an_oversized_reply_flags_its_sample_is_paid_and_is_not_kept(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_patterns(redactor: Redactor, text: str) -> str:
        assert len(text) <= MOST_CHARACTERS
        return redact(redactor, text)

    redact = Redactor.redact
    monkeypatch.setattr(Redactor, "redact", no_patterns)
    replies = [reply(text, cost_usd=0.5), reply('{"n": 1}', cost_usd=0.25)]
    began = time.process_time()
    session = await play(lambda call: replies.pop(0), given=plan())
    assert time.process_time() - began < 2
    assert sum(len(record.payload) for record in await session.records()) < 20_000
    (flagged,) = session.of(e.SampleRedFlagged)
    assert isinstance(flagged, e.SampleRedFlagged)
    assert "too_long: the reply has 50,0" in flagged.detail
    assert "the limit is 2,000,000" in flagged.detail
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert done.total_cost_usd == 0.75


@pytest.mark.parametrize(
    "huge",
    [
        AgentReply(text="", error=AgentError(kind="execution", message="x" * HUGE)),
        AgentReply(text="{}", model="x" * HUGE),
        AgentReply(text="{}", stop_reason="x" * HUGE),
        AgentReply(text="{}", denied=tuple(["x" * 1000] * 3000)),
    ],
)
async def test_no_part_of_a_reply_can_be_longer(huge: AgentReply) -> None:
    replies = [huge, reply('{"n": 1}')]
    session = await play(lambda call: replies.pop(0), given=plan())
    assert sum(len(record.payload) for record in await session.records()) < 20_000
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_an_oversized_plan_is_asked_for_again() -> None:
    def script(call: AgentCall) -> str:
        return "plan: " * 500_000 if call.key == "plan/0" else '{"n": 1}'

    session = await play(ScriptedAgent(script))
    (refused, *_) = session.of(e.ValidationFailed)
    assert isinstance(refused, e.ValidationFailed)
    assert "the limit is 2,000,000" in refused.errors[0]["message"]


async def test_the_longest_reply_that_is_read_is_read() -> None:
    text = '{"text": "' + "x" * (MOST_CHARACTERS - 12) + '"}'
    assert len(text) == MOST_CHARACTERS
    session = await play(lambda call: text, given=plan(step(output_schema="{text: string}")))
    assert isinstance(session.events[-1], e.TaskCompleted)


def test_a_longer_text_is_not_looked_at() -> None:
    text = '{"a": 1}'.ljust(MOST_CHARACTERS + 1)
    for loaded in (load(text), load_mapping(text, frozenset())):
        assert loaded.verdict == "unreadable"
        assert loaded.error == "it has 2,000,001 characters, the limit is 2,000,000"


@pytest.mark.parametrize("start", ["plan:\n", "", "b:\n  - a: ", "- "])
def test_dashes_in_dashes_take_no_more_memory_than_any_text(start: str) -> None:
    text = start + "- " * 400_000
    tracemalloc.start()
    try:
        parse_plan(text)
        load(text, parse_schema("{a: string, b: [any]}"))
        assert tracemalloc.get_traced_memory()[1] < 12 * len(text)
    finally:
        tracemalloc.stop()
