"""A cap is a cap: what calls may cost is reserved first, and never exceeds what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import ScriptedAgent, config, plan, play, reply, step
from maker.core import events as e
from maker.core.config import DEFAULT_MODEL
from maker.core.fold import apply, fold
from maker.core.keys import sample_key
from maker.core.models import AgentCall, AgentReply, CallKey, Digest, TaskConfig
from maker.core.state import RunState
from maker.engine import budget
from maker.plan import costs

ITEMS = plan(
    step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
    step(1, for_each="step_0_output.files"),
)
LARGEST = costs.largest_response_usd(DEFAULT_MODEL)


def state_of(settings: TaskConfig) -> RunState:
    events: list[e.Event] = [
        e.TaskSubmitted(instruction="x", config=settings),
        e.PlanCreated(plan=ITEMS, origin="user"),
    ]
    return fold(events)


def bought(state: RunState, key: CallKey, cost_usd: float | None) -> None:
    answer = reply('{"n": 1}', cost_usd=cost_usd)
    apply(state, e.AgentReplied(key=key, request=Digest(""), prompt=Digest(""), reply=answer))


def asked(state: RunState, key: CallKey, under_way: Mapping[CallKey, float | None]) -> object:
    return budget.verdict(state, key, under_way, now=0.0)


@pytest.mark.parametrize("at_once", [1, 4, 16])
async def test_under_a_cap_of_one_dollar_samples_of_two_overshoot_it_by_one(at_once: int) -> None:
    def script(call: AgentCall) -> AgentReply:
        if call.key.startswith("step/0"):
            return reply(json.dumps({"files": [str(n) for n in range(16)]}), cost_usd=0.01)
        return reply('{"n": 1}', cost_usd=2.0)

    settings = config(max_cost_usd=1.0, samples_at_once=at_once)
    session = await play(ScriptedAgent(script), config=settings, given=ITEMS)
    last = session.events[-1]
    assert isinstance(last, e.RunPaused)
    assert last.reason == "budget"
    assert session.orchestrator is not None
    assert session.orchestrator.state.totals.cost_usd == pytest.approx(2.01)


async def test_a_cap_of_nothing_buys_nothing() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    session = await play(agent, config=config(max_cost_usd=0.0), given=plan())
    last = session.events[-1]
    assert isinstance(last, e.RunPaused)
    assert (last.reason, agent.calls) == ("budget", [])


def test_without_a_cap_a_call_has_no_budget() -> None:
    state = state_of(config(max_cost_usd=None))
    assert asked(state, sample_key(0, 0, 0, 0), {}) == budget.Go(None)


def test_what_ended_of_a_step_is_the_estimate_for_its_other_samples() -> None:
    state = state_of(config(max_cost_usd=1.0))
    assert budget.estimate_usd(state, sample_key(1, 0, 0, 0)) == LARGEST
    bought(state, sample_key(1, 0, 0, 0), 0.02)
    assert budget.estimate_usd(state, sample_key(1, 1, 0, 0)) == 0.02
    assert budget.estimate_usd(state, sample_key(0, 0, 0, 0)) == LARGEST


def test_a_call_for_which_not_enough_is_left_goes_alone_with_all_that_is_left() -> None:
    state = state_of(config(max_cost_usd=1.0))
    alone = asked(state, sample_key(1, 0, 0, 0), {})
    assert alone == budget.Go(1.0)
    assert asked(state, sample_key(1, 1, 0, 0), {sample_key(1, 0, 0, 0): 1.0}) == "wait"


def test_the_default_cap_lets_the_default_number_of_calls_start_at_once() -> None:
    state, under_way = state_of(TaskConfig(instruction="x")), dict[CallKey, float | None]()
    for sample in range(state.settings.samples_at_once):
        verdict = asked(state, sample_key(1, sample, 0, 0), under_way)
        assert isinstance(verdict, budget.Go)
        under_way[sample_key(1, sample, 0, 0)] = verdict.budget_usd


amounts = st.floats(0.0, 3.0, allow_nan=False)


@given(
    cap=st.floats(0.01, 20.0, allow_nan=False),
    at_once=st.integers(1, 16),
    story=st.lists(st.tuples(st.booleans(), amounts), max_size=40),
)
def test_reservations_never_exceed_what_is_left(
    cap: float, at_once: int, story: list[tuple[bool, float]]
) -> None:
    """Calls start where they may and end at any cost up to one response over their share."""
    state = state_of(config(max_cost_usd=cap, samples_at_once=at_once))
    under_way: dict[CallKey, float | None] = {}
    overshot, started = 0.0, 0
    for starts, cost in story:
        key = sample_key(1, started, 0, 0)
        verdict = asked(state, key, under_way) if starts else "wait"
        if isinstance(verdict, budget.Go):
            assert verdict.budget_usd is not None
            assert verdict.budget_usd > 0, "the CLI does not start with nothing"
            under_way[key], started = verdict.budget_usd, started + 1
            reserved = sum(share or 0.0 for share in under_way.values())
            assert reserved <= cap + overshot - budget.spent_usd(state) + 1e-6
        elif under_way:
            ended, share = under_way.popitem()
            overshot += max(0.0, cost - (share or 0.0))
            bought(state, ended, cost)
    assert budget.spent_usd(state) <= cap + overshot + 1e-6
