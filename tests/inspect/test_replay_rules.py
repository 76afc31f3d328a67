"""The rules have a version: what older ones decided is told apart from a log that was changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fakes import ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core.fold import fold
from maker.core.seams import Record
from maker.core.version import RULES
from maker.inspect.replay import replay

PLAN = plan(step(0, next_step_sequence_number=1), step(1))


def changed(records: list[Record], event: str, place: int = 0, **fields: Any) -> list[Record]:
    """The log with fields of one event replaced (None: left out), and its chain mended."""
    numbers = [number for number, record in enumerate(records) if record.type == event]
    payloads = [msgspec.json.decode(record.payload) for record in records]
    document = {**payloads[numbers[place]], **fields}
    payloads[numbers[place]] = {name: value for name, value in document.items() if value != "-"}
    head, log = e.GENESIS, []
    for record, document in zip(records, payloads, strict=True):
        payload = msgspec.json.encode(document)
        head = e.chain(head, payload)
        log.append(msgspec.structs.replace(record, payload=payload, hash=head))
    return log


@pytest.fixture
async def log() -> list[Record]:
    settings = config(voting_strategy="majority")
    session = await play(lambda call: '{"n": 1}', config=settings, given=PLAN)
    return await session.records()


async def test_a_submission_records_the_rules_that_it_was_made_under(log: list[Record]) -> None:
    first = e.decode(log[0].payload)
    assert isinstance(first, e.TaskSubmitted)
    assert first.rules == RULES


def test_a_log_that_names_no_rules_was_made_under_the_first(log: list[Record]) -> None:
    old = changed(log, "TaskSubmitted", rules="-")
    assert fold([e.decode(record.payload) for record in old]).rules == 1


def test_a_difference_under_todays_rules_is_a_divergence(log: list[Record]) -> None:
    result = replay(changed(log, "VoteCompleted", margin=7))
    assert result.outcome == "diverged"


def test_what_older_rules_decided_differently_is_listed_and_the_rest_is_compared(
    log: list[Record],
) -> None:
    old = changed(log, "TaskSubmitted", rules=1)
    result = replay(changed(old, "VoteCompleted", margin=7))
    assert result.outcome == "rules changed"
    assert [(d.event, d.field) for d in result.decided_differently] == [("VoteCompleted", "margin")]
    assert result.events == len(log)


def test_a_lane_that_was_decided_differently_is_taken_up_at_its_next_start(
    log: list[Record],
) -> None:
    old = changed(log, "TaskSubmitted", rules=1)
    first = changed(old, "VoteCompleted", 0, margin=7)  # its StepCompleted is left alone
    both = changed(first, "VoteCompleted", 1, margin=7)
    assert [d.seq for d in replay(both).decided_differently] == [
        record.seq for record in log if record.type == "VoteCompleted"
    ]


def test_a_field_that_an_old_log_lacks_is_not_compared(log: list[Record]) -> None:
    old = changed(changed(log, "TaskSubmitted", rules=2), "StepCompleted", tokens="-")
    assert replay(old).outcome == "identical"


def test_a_field_that_todays_rules_leave_out_has_its_default(log: list[Record]) -> None:
    result = replay(changed(log, "StepCompleted", tokens="-"))
    assert result.divergence is not None
    assert (result.divergence.field, result.divergence.recorded) == ("tokens", 0)


def test_words_are_no_decisions(log: list[Record]) -> None:
    summary = msgspec.json.decode(
        next(record.payload for record in log if record.type == "StepCompleted")
    )["voting_summary"]
    other = changed(log, "StepCompleted", voting_summary={**summary, "note": "other words"})
    assert replay(other).outcome == "identical"


async def test_a_resume_under_newer_rules_judges_the_open_try_anew() -> None:
    """A reply that was flagged by older rules and is not by today's ends as a vote that counts."""
    settings = config(voting_strategy="first_to_k", voting_k=2)
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    whole = await (await play(agent, config=settings, given=plan())).records()
    replies = [n for n, record in enumerate(whole) if record.type == "AgentReplied"]
    open_try = whole[: replies[1] + 1]
    flag = e.SampleRedFlagged(
        step=0, iteration=0, try_number=0, sample=0, reason="schema", detail="older rules"
    )
    payload = e.encode(flag)
    head = e.chain(open_try[-1].hash, payload)
    record = Record(
        seq=len(open_try) + 1, timestamp=0.0, type="SampleRedFlagged", payload=payload, hash=head
    )
    history = changed([*open_try, record], "TaskSubmitted", rules=1)
    again = await play(agent, history=history, opening=[e.RunResumed(rules=RULES)])
    done = again.of(e.TaskCompleted)
    assert len(done) == 1
    assert done[0].totals.red_flagged == 0
    assert len(agent.calls) == 2, "its paid samples stay"
    assert replay(await again.records()).outcome == "rules changed"
