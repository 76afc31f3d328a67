"""An answer that is read by guessing: asked for again, and marked where nothing better came."""

from __future__ import annotations

import pytest

from fakes import ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core.models import AgentCall

GUESSED = '{"n": 1,}'


def guessed_until(try_number: int) -> ScriptedAgent:
    def script(call: AgentCall) -> str:
        return GUESSED if int(call.key.split("/")[2]) < try_number else '{"n": 2}'

    return ScriptedAgent(script)


async def test_a_repaired_reply_is_asked_for_again_also_without_a_vote() -> None:
    session = await play(guessed_until(1), config=config(step_max_retries=2), given=plan(step()))
    (flagged,) = session.of(e.SampleRedFlagged)
    assert isinstance(flagged, e.SampleRedFlagged)
    assert (flagged.reason, flagged.verdict) == ("repaired", "repaired")
    assert flagged.notes == ["a comma before the closing bracket"]
    (done,) = session.of(e.StepCompleted)
    assert isinstance(done, e.StepCompleted)
    assert (done.output, done.verdict) == ({"n": 2}, "clean")


@pytest.mark.parametrize("retries", [0, 2])
async def test_the_last_one_counts_and_is_marked(retries: int) -> None:
    settings = config(step_max_retries=retries)
    session = await play(guessed_until(99), config=settings, given=plan(step()))
    (done,) = session.of(e.StepCompleted)
    assert isinstance(done, e.StepCompleted)
    assert (done.output, done.verdict) == ({"n": 1}, "repaired")
    assert done.notes == ["a comma before the closing bracket"]
    end = session.events[-1]
    assert isinstance(end, e.TaskCompleted)
    assert end.census is not None
    assert end.census.repaired == 1


async def test_a_step_with_effects_is_not_done_again_over_a_comma() -> None:
    writing = plan(step(primary_tools=["Write"]))
    settings = config(step_max_retries=2, allow=["write"])
    session = await play(guessed_until(99), config=settings, given=writing)
    assert len(session.of(e.StepStarted)) == 1
    assert len(session.of(e.StepCompleted)) == 1


async def test_a_vote_says_how_its_votes_were_read() -> None:
    def script(call: AgentCall) -> str:
        return '```json\n{"n": 1}\n```' if call.key.endswith("0") else '{"n": 1}'

    settings = config(voting_strategy="first_to_k", voting_k=2)
    session = await play(ScriptedAgent(script), config=settings, given=plan(step()))
    (vote,) = session.of(e.VoteCompleted)
    assert isinstance(vote, e.VoteCompleted)
    assert [(reading.sample, reading.verdict) for reading in vote.readings] == [(0, "extracted")]
