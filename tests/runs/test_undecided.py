"""Votes whose answers disagree to the end: they go on, wait for the user, or are marked."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import RUN, Play, ScriptedAgent, config, plan, play, reply, step
from maker.app import Changes, resume
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall
from maker.core.version import RULES
from maker.errors import ConfigError
from maker.inspect.replay import replay
from maker.steps.undecided import undecided_votes

FIRST_TO_2 = {"voting_strategy": "first_to_k", "voting_k": 2, "max_voting_samples": 4}


def in_turn(*answers: int) -> ScriptedAgent:
    """Sample n of a step answers with the n-th number, over and over."""

    def script(call: AgentCall) -> str:
        place = keys.sample_place(call.key)
        assert place is not None
        return json.dumps({"n": answers[place.sample % len(answers)]})

    return ScriptedAgent(script)


async def undecided(**changes: object) -> Play:
    settings = {**FIRST_TO_2, "step_max_retries": 1, **changes}
    return await play(in_turn(1, 2), config=config(**settings), given=plan(step()))


async def resumed(
    play: Play, agent: ScriptedAgent, options: Mapping[str, object] = {}, **choose: int
) -> list[e.Event]:
    changes = Changes(
        options=options, choose={lane.replace("_", "."): n for lane, n in choose.items()}
    )
    session = await resume(RUN, changes, store=play.store, agent=agent, clock=play.clock)
    assert session is not None
    return [event async for event in session.run()]


def chosen(events: list[e.Event]) -> list[tuple[object, str]]:
    done = [event for event in events if isinstance(event, e.StepCompleted)]
    return [(event.output, event.voting_summary.chosen_by) for event in done]


async def test_a_vote_whose_answers_disagree_goes_on_with_the_samples_of_its_retries() -> None:
    agent = in_turn(1, 2, 1, 2, 1, 1)
    session = await play(agent, config=config(**FIRST_TO_2, step_max_retries=1), given=plan(step()))
    assert chosen(session.events) == [({"n": 1}, "votes")]
    assert [keys.sample_place(key) for key in agent.keys] == [(0, 0, 0, n) for n in range(6)]
    assert not session.of(e.TryFailed)


async def test_a_majority_goes_on_until_more_than_half_of_all_agree() -> None:
    agent = in_turn(1, 2, 3, 1, 1, 1)
    settings = config(voting_strategy="majority", voting_n=3, step_max_retries=1)
    session = await play(agent, config=settings, given=plan(step()))
    assert chosen(session.events) == [({"n": 1}, "votes")]
    assert len(agent.keys) == 6


async def test_an_undecided_vote_waits_for_the_user_and_buys_nothing_when_it_is_only_resumed() -> (
    None
):
    session = await undecided()
    paused = session.events[-1]
    assert isinstance(paused, e.RunPaused)
    assert paused.reason == "undecided"
    assert '{"n":1}' in paused.detail
    assert '{"n":2}' in paused.detail
    agent = in_turn(1, 2)
    again = await resumed(session, agent)
    assert (type(again[-1]), agent.keys) == (e.RunPaused, [])


@pytest.mark.parametrize("number", [1, 2])
async def test_the_answer_that_the_user_chose_counts_as_the_users(number: int) -> None:
    session = await undecided()
    agent = in_turn(1, 2)
    events = await resumed(session, agent, {}, **{"0_0": number})
    assert chosen(events) == [({"n": number}, "user")]
    assert agent.keys == []
    assert replay(await session.records()).outcome == "identical"


async def test_an_open_vote_takes_a_higher_number_of_samples_at_once() -> None:
    session = await undecided(step_max_retries=0)
    agent = in_turn(1, 1, 1, 1, 1, 1)
    events = await resumed(session, agent, {"max_voting_samples": 8})
    assert chosen(events) == [({"n": 1}, "votes")]
    assert [keys.sample_place(key) for key in agent.keys] == [(0, 0, 0, 4), (0, 0, 0, 5)]


async def test_plurality_takes_the_most_votes_and_the_first_sample_where_they_tie() -> None:
    session = await undecided(undecided="plurality")
    assert chosen(session.events) == [({"n": 1}, "plurality")]
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert done.census is not None
    assert done.census.by_plurality == 1
    assert "1 undecided, the most votes taken" in done.census.words
    assert replay(await session.records()).outcome == "identical"


async def test_plurality_ends_a_vote_that_waits_already() -> None:
    session = await undecided()
    events = await resumed(session, in_turn(1), {"undecided": "plurality"})
    assert chosen(events) == [({"n": 1}, "plurality")]


async def test_the_other_items_go_on_before_an_undecided_one_is_waited_for() -> None:
    steps = [
        step(0, output_schema="{files: [string]}", next_step_sequence_number=1, vote_on=["files"]),
        step(1, for_each="step_0_output.files", output_schema="{n: int}"),
    ]

    def script(call: AgentCall) -> str:
        place = keys.sample_place(call.key)
        assert place is not None
        if place.step == 0:
            return json.dumps({"files": [f"f{n}" for n in range(8)]})
        return json.dumps({"n": place.sample % 2 if place.iteration < 6 else 7})

    settings = config(**FIRST_TO_2, step_max_retries=0, samples_at_once=2)
    session = await play(ScriptedAgent(script), config=settings, given=plan(*steps))
    assert isinstance(session.events[-1], e.RunPaused)
    done = {event.iteration for event in session.of(e.StepCompleted) if event.step == 1}
    assert done == {6, 7}
    assert session.orchestrator is not None
    waiting = undecided_votes(session.orchestrator.state)
    assert [vote.lane for vote in waiting] == [f"1.{n}" for n in range(6)]
    events = await resumed(session, in_turn(0), {}, **{f"1_{n}": 2 for n in range(6)})
    assert isinstance(events[-1], e.TaskCompleted)
    assert events[-1].result["output"] == [{"n": 1}] * 6 + [{"n": 7}] * 2


async def test_a_vote_without_disagreement_fails_like_any_try() -> None:
    agent = ScriptedAgent(lambda call: reply("junk") if not call.key.endswith("0") else '{"n": 1}')
    session = await play(agent, config=config(**FIRST_TO_2, step_max_retries=1), given=plan(step()))
    assert len(session.of(e.TryFailed)) == 2
    assert isinstance(session.events[-1], e.TaskFailed)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"0_0": 3}, "has no answer 3"),
        ({"0_0": 0}, "has no answer 0"),
        ({"5_0": 1}, "no vote 5.0 is undecided"),
    ],
)
async def test_a_choice_that_is_none_is_refused_and_records_nothing(
    choice: dict[str, int], message: str
) -> None:
    session = await undecided()
    before = await session.records()
    with pytest.raises(ConfigError, match=message):
        await resumed(session, in_turn(1), {}, **choice)
    assert await session.records() == before


async def test_the_only_undecided_vote_needs_no_name() -> None:
    session = await undecided()
    changes = Changes(choose={"": 2})
    again = await resume(RUN, changes, store=session.store, agent=in_turn(1), clock=session.clock)
    assert again is not None
    assert chosen([event async for event in again.run()]) == [({"n": 2}, "user")]


@given(cut=st.integers(1, 40), number=st.integers(1, 2))
async def test_a_choice_survives_a_crash_after_any_event(cut: int, number: int) -> None:
    session = await undecided()
    await resumed(session, in_turn(1), {}, **{"0_0": number})
    records = await session.records()
    paused = next(n for n, record in enumerate(records) if record.type == "RunPaused")
    had = records[: min(max(cut, paused + 3), len(records) - 1)]
    again = await play(in_turn(9), history=had, opening=[e.RunResumed(rules=RULES)])
    assert chosen(await again.log()) == [({"n": number}, "user")]
