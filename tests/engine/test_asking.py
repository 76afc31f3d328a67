"""Caps, faults, limits and money: what the wrapper around the agent promises."""

from __future__ import annotations

import asyncio

import pytest

from fakes import PLAN_TEXT, FakeClock, Play, ScriptedAgent, config, plan, play, reply, step
from maker.core import events as e
from maker.core.models import AgentCall, AgentReply, Plan
from maker.errors import AgentNotReady, AgentUnavailable, ModelNotFound


def five_items() -> Plan:
    return plan(
        step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
        step(1, for_each="step_0_output.files"),
    )


def answers(call: AgentCall) -> str:
    return '{"files": ["a", "b", "c", "d", "e"]}' if call.key.startswith("step/0") else '{"n": 1}'


def paused(session: Play) -> e.RunPaused:
    last = session.events[-1]
    assert isinstance(last, e.RunPaused), last
    return last


async def test_samples_of_a_round_run_at_the_same_time() -> None:
    together = asyncio.Event()
    agent = ScriptedAgent(lambda call: meet())

    async def meet() -> str:
        if agent.under_way == 3:
            together.set()
        await together.wait()
        return '{"n": 1}'

    voted = config(voting_strategy="first_to_k", voting_k=3)
    session = await play(agent, config=voted, given=plan())
    assert agent.most_under_way == 3
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_no_more_samples_run_at_once_than_allowed() -> None:
    agent = ScriptedAgent(answers)
    await play(agent, config=config(samples_at_once=2), given=five_items())
    assert agent.most_under_way == 2


async def test_a_rate_limit_is_waited_out_and_recorded_and_the_key_stays_open() -> None:
    clock, faults = FakeClock(), [AgentUnavailable("rate_limit", "slow down", retry_after_s=30.0)]
    session = await play(
        lambda call: faults.pop() if faults else '{"n": 1}', given=plan(), clock=clock
    )
    retried = session.of(e.AgentRetried)
    assert [(r.key, r.kind, r.wait_s) for r in retried] == [("step/0.0/0/0", "rate_limit", 30.0)]
    assert 30.0 in clock.waits
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_a_wait_that_is_too_long_pauses_the_run() -> None:
    session = await play(
        lambda call: AgentUnavailable("rate_limit", "slow down", retry_after_s=3600.0), given=plan()
    )
    assert paused(session).reason == "rate_limit"


async def test_a_network_fault_that_does_not_end_pauses_the_run() -> None:
    clock = FakeClock()
    session = await play(
        lambda call: AgentUnavailable("network", "connection reset"), given=plan(), clock=clock
    )
    assert paused(session).reason == "network"
    assert sum(clock.waits) < 900


async def test_a_network_that_never_worked_is_given_up_sooner_than_one_that_did() -> None:
    def unreachable(call: AgentCall) -> str | Exception:
        return AgentUnavailable("network", "connection refused")

    def breaks_down(call: AgentCall) -> str | Exception:
        return answers(call) if call.key.startswith("step/0") else unreachable(call)

    never, once = FakeClock(), FakeClock()
    await play(unreachable, given=plan(), clock=never)
    await play(breaks_down, config=config(samples_at_once=1), given=five_items(), clock=once)
    assert sum(never.waits) < 60 < 300 < sum(once.waits)


async def test_a_missing_login_pauses_the_run_and_another_call_is_not_launched() -> None:
    def script(call: AgentCall) -> str | Exception:
        if call.key.startswith("step/0"):
            return answers(call)
        return AgentNotReady("login", "Not logged in")

    agent = ScriptedAgent(script)
    session = await play(agent, config=config(samples_at_once=1), given=five_items())
    assert paused(session).reason == "login"
    assert [key for key in agent.keys if key.startswith("step/1")] == ["step/1.0/0/0"]


async def test_a_cost_cap_is_overshot_by_one_call_at_most_however_many_run_at_once() -> None:
    agent = ScriptedAgent(lambda call: reply(answers(call), cost_usd=1.0))
    capped = config(max_cost_usd=2.5, samples_at_once=4)
    session = await play(agent, config=capped, given=five_items())
    assert paused(session).reason == "budget"
    assert session.orchestrator is not None
    assert session.orchestrator.state.totals.cost_usd == 3.0


async def test_a_paused_run_goes_on_with_a_higher_cap_and_buys_nothing_twice() -> None:
    agent = ScriptedAgent(lambda call: reply(answers(call), cost_usd=1.0))
    first = await play(agent, config=config(max_cost_usd=2.5), given=five_items())
    again = await play(
        agent,
        history=await first.records(),
        opening=[e.RunResumed(options={"max_cost_usd": 100.0})],
    )
    done = again.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert done.total_cost_usd == 6.0
    assert len(agent.keys) == len(set(agent.keys)) == 6


@pytest.mark.parametrize("cap", [{"max_samples": 3}, {"max_tokens": 300}])
async def test_samples_and_tokens_are_capped_alike(cap: dict[str, int]) -> None:
    session = await play(ScriptedAgent(answers), config=config(**cap), given=five_items())
    assert paused(session).reason == "budget"
    assert session.orchestrator is not None
    assert session.orchestrator.state.totals.samples == 3


async def test_minutes_are_capped() -> None:
    clock = FakeClock()

    async def slow(call: AgentCall) -> AgentReply:
        await clock.sleep(40.0)
        return reply(answers(call))

    limited = config(max_minutes=1.0, samples_at_once=1)
    session = await play(ScriptedAgent(slow), config=limited, given=five_items(), clock=clock)
    assert "minutes" in paused(session).detail


async def test_calls_under_way_are_waited_for_before_a_pause_because_they_are_paid() -> None:
    all_under_way, failed = asyncio.Event(), asyncio.Event()

    async def script(call: AgentCall) -> str | Exception:
        if call.key.startswith("step/0"):
            return answers(call)
        if agent.under_way == 4:
            all_under_way.set()
        await all_under_way.wait()
        if call.key == "step/1.0/0/0":
            failed.set()
            return AgentNotReady("login", "logged out")
        await failed.wait()
        return '{"n": 1}'

    agent = ScriptedAgent(script)
    session = await play(agent, config=config(), given=five_items())
    assert isinstance(session.events[-1], e.RunPaused)
    replied = {event.key for event in session.of(e.AgentReplied)}
    assert {"step/1.1/0/0", "step/1.2/0/0", "step/1.3/0/0"} <= replied
    assert "step/1.4/0/0" not in agent.keys, "nothing new is bought once the run must pause"


async def test_a_retired_model_that_was_a_default_falls_back_once_at_the_planners_call() -> None:
    def script(call: AgentCall) -> str | Exception:
        if call.model == "claude-sonnet-4-5":
            return ModelNotFound(call.model, "no such model")
        return PLAN_TEXT if call.role == "plan" else '{"n": 1}'

    session = await play(ScriptedAgent(script), config=config(named_models=["model"]))
    fallen = session.of(e.ModelFellBack)
    assert [(f.model, f.successor) for f in fallen] == [("claude-sonnet-4-5", "claude-sonnet-5-5")]
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_an_unknown_model_pauses_the_run() -> None:
    session = await play(
        lambda call: ModelNotFound(call.model, "no such model"), config=config(model="claude-nope")
    )
    assert paused(session).reason == "model"


async def test_secrets_in_a_reply_are_hidden_before_anything_is_stored() -> None:
    secret = "sk-ant-api03-" + "a1B2" * 20
    session = await play(
        lambda call: '{"text": "' + secret + '"}', given=plan(step(output_schema="{text: string}"))
    )
    assert secret not in "".join(record.payload.decode() for record in await session.records())


async def test_unknown_cost_is_not_counted_as_nothing() -> None:
    session = await play(lambda call: reply('{"n": 1}', cost_usd=None), given=plan())
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted)
    assert done.totals.unpriced == 1


@pytest.mark.parametrize("cap", [{"max_cost_usd": 3.0}, {"max_tokens": 360}])
async def test_replies_that_do_not_say_what_they_used_count_as_the_largest(
    cap: dict[str, float],
) -> None:
    def script(call: AgentCall) -> AgentReply:
        if call.key.startswith("step/0"):
            return reply(answers(call), cost_usd=1.0)
        return AgentReply(text=answers(call))

    agent = ScriptedAgent(script)
    session = await play(agent, config=config(**cap), given=five_items())
    assert paused(session).reason == "budget"
    assert "2 replies that did not say" in paused(session).detail
    assert len(agent.keys) == 3


async def test_a_cap_that_is_reached_ends_the_waiting_of_other_calls() -> None:
    """Two items wait for a rate limit while a third reaches the cap: they are not asked again."""
    clock = FakeClock()
    limited = {"step/1.0/0/0", "step/1.1/0/0"}
    waiting = asyncio.Event()

    async def script(call: AgentCall) -> AgentReply | Exception:
        if call.key.startswith("step/0"):
            return reply(answers(call), cost_usd=0.1)
        if call.key in limited:
            return AgentUnavailable("rate_limit", "slow down", retry_after_s=600.0)
        await waiting.wait()
        return reply(answers(call), cost_usd=9.0)

    async def sleep(seconds: float) -> None:
        clock.waits.append(seconds)
        if len(clock.waits) == len(limited):
            waiting.set()
        await asyncio.Event().wait()

    clock.sleep = sleep  # type: ignore[method-assign]
    agent = ScriptedAgent(script)
    session = await asyncio.wait_for(
        play(agent, config=config(max_cost_usd=5.0), given=five_items(), clock=clock), 10
    )
    assert paused(session).reason == "budget"
    assert sum(key in limited for key in agent.keys) == len(limited)


async def test_what_was_bought_before_a_login_ended_is_counted() -> None:
    fault = AgentNotReady("login", "logged out", cost_usd=0.5, tokens=700)
    session = await play(lambda call: fault, given=plan())
    assert paused(session).reason == "login"
    (retried,) = session.of(e.AgentRetried)
    assert isinstance(retried, e.AgentRetried)
    assert (retried.kind, retried.cost_usd, retried.tokens) == ("login", 0.5, 700)
    assert session.orchestrator is not None
    assert session.orchestrator.state.totals.cost_usd == 0.5


async def test_a_call_that_is_asked_again_has_only_what_is_left_of_its_share() -> None:
    faults = [AgentUnavailable("server", "no", cost_usd=0.5), AgentUnavailable("server", "no")]
    agent = ScriptedAgent(lambda call: faults.pop(0) if faults else '{"n": 1}')
    await play(agent, config=config(max_cost_usd=2.0, samples_at_once=1), given=plan())
    assert [call.budget_usd for call in agent.calls] == [2.0, 1.5, 1.5]


async def test_a_share_that_is_used_up_pauses_at_once_and_is_not_asked_again() -> None:
    clock, fault = FakeClock(), AgentUnavailable("budget", "used up", cost_usd=0.5, tokens=700)
    session = await play(lambda call: fault, given=plan(), clock=clock)
    assert paused(session).reason == "budget"
    (retried,) = session.of(e.AgentRetried)
    assert isinstance(retried, e.AgentRetried)
    assert (retried.wait_s, retried.cost_usd, clock.waits) == (0.0, 0.5, [])
