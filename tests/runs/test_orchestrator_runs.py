"""What a run does, seen from outside: plans, steps, loops, consent, resuming, leaving early."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import pytest

from fakes import PLAN_TEXT, RUN, FakeClock, Play, ScriptedAgent, config, plan, play, registry, step
from maker.core import events as e
from maker.core.models import AgentCall, AgentError, AgentReply, Plan, Repeat
from maker.core.policy import missing_grants
from maker.core.seams import Record
from maker.core.state import RunState
from maker.engine.orchestrator import Orchestrator
from maker.errors import RunBusy, StalledDispatch
from maker.inspect.replay import replay
from maker.prompts.quality import QUALITIES
from maker.store.memory import MemoryStore


def last(session: Play) -> e.Event:
    return session.events[-1]


def completed(session: Play) -> e.TaskCompleted:
    event = last(session)
    assert isinstance(event, e.TaskCompleted), event
    return event


def failed(session: Play) -> e.TaskFailed:
    event = last(session)
    assert isinstance(event, e.TaskFailed), event
    return event


def names(session: Play) -> list[str]:
    return [type(event).__name__ for event in session.events]


async def test_costs_and_tokens_of_the_replies_stand_in_the_steps_and_in_the_total() -> None:
    session = await play(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 3}')
    done = completed(session)
    assert done.total_cost_usd == 0.02
    assert done.totals.tokens == 240
    (finished,) = session.of(e.StepCompleted)
    assert (finished.cost_usd, finished.tokens, finished.duration_ms) == (0.01, 120, 500)
    assert done.result["output"] == {"n": 3}


async def test_a_reply_that_is_no_plan_counts_as_an_attempt_and_is_fed_back() -> None:
    agent = ScriptedAgent(
        lambda call: (
            '{"n": 1}'
            if call.role == "step"
            else ("I cannot plan: [" if call.key == "plan/0" else PLAN_TEXT)
        )
    )
    session = await play(agent)
    completed(session)
    assert len(session.of(e.ValidationFailed)) == 1
    assert "I cannot plan" in agent.calls[1].prompt


async def test_a_run_without_a_valid_plan_fails_with_the_last_errors() -> None:
    agent = ScriptedAgent(lambda call: "no: plan: here")
    session = await play(agent, config=config(max_planner_retries=1))
    assert len(agent.keys) == 2
    assert "no valid plan after 2 attempts" in failed(session).error


async def test_an_errored_planner_reply_never_becomes_a_plan() -> None:
    broken = AgentReply(text=PLAN_TEXT, error=AgentError(kind="max_turns", message="too many"))
    session = await play(lambda call: broken, config=config(max_planner_retries=0))
    assert "max_turns" in failed(session).error


async def test_a_failed_sample_is_tried_again_and_told_why() -> None:
    def script(call: AgentCall) -> str:
        return '{"wrong": 1}' if call.key == "step/0.0/0/0" else '{"n": 1}'

    agent = ScriptedAgent(script)
    session = await play(agent, given=plan())
    completed(session)
    assert agent.keys == ["step/0.0/0/0", "step/0.0/1/0"]
    assert "thrown away" in agent.calls[1].prompt


async def test_a_step_that_uses_up_its_tries_fails_the_run_with_a_partial_result() -> None:
    first_only = plan(step(0, next_step_sequence_number=1), step(1))
    session = await play(
        lambda call: '{"n": 1}' if call.key.startswith("step/0") else "{}",
        config=config(step_max_retries=1),
        given=first_only,
    )
    end = failed(session)
    assert end.step == 1
    assert [line["status"] for line in end.result["steps"]] == ["completed", "failed"]
    assert [event.try_number for event in session.of(e.TryFailed)] == [0, 1]


async def test_a_failed_run_resumes_at_the_step_that_failed() -> None:
    two = plan(step(0, next_step_sequence_number=1), step(1))
    first = await play(
        lambda call: '{"n": 1}' if call.key.startswith("step/0") else "{}",
        config=config(step_max_retries=0),
        given=two,
    )
    agent = ScriptedAgent(lambda call: '{"n": 2}')
    again = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert agent.keys == ["step/1.0/1/0"]
    assert [line["step"] for line in completed(again).result["steps"]] == [0, 1]
    assert replay(await again.records()).outcome == "identical"


async def test_a_failed_run_can_be_planned_anew_from_what_it_finished() -> None:
    lines = step(
        0, title="first part", task_description="Count lines.", next_step_sequence_number=1
    )
    two = plan(lines, step(1))
    first = await play(
        lambda call: '{"n": 41}' if call.key.startswith("step/0") else '{"cannot": "no file"}',
        config=config(step_max_retries=0),
        given=two,
    )
    agent = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 2}')
    again = await play(agent, history=await first.records(), opening=[e.RunResumed(replan=True)])
    asked = agent.calls[0].prompt
    assert "first part" in asked
    assert "41" in asked
    assert "no file" in asked
    had = {event.key for event in await first.log() if isinstance(event, e.AgentReplied)}
    assert not had & set(agent.keys), "a new plan must not reuse the old one's keys"
    assert completed(again).result["earlier"][0]["title"] == "first part"
    assert replay(await again.records()).outcome == "identical"


async def test_a_branch_that_was_not_taken_is_null_and_listed_as_skipped() -> None:
    branching = plan(
        step(
            0,
            task_type="conditional_step",
            output_schema="{next_step: int, reason: string}",
            next_step_sequence_number=-2,
            input_variables=["context"],
            targets=[1, 2],
        ),
        step(1, next_step_sequence_number=2),
        step(2, input_variables=["step_1_output.n"]),
    )
    agent = ScriptedAgent(
        lambda call: (
            '{"next_step": 2, "reason": "so"}' if call.key.startswith("step/0") else '{"n": 1}'
        )
    )
    session = await play(agent, given=branching, context="two")
    statuses = [line["status"] for line in completed(session).result["steps"]]
    assert statuses == ["completed", "skipped", "completed"]
    assert "null" in agent.calls[-1].prompt


@pytest.mark.parametrize("target", [-2, 0, 7])
async def test_a_next_step_outside_of_the_targets_is_a_red_flag(target: int) -> None:
    branching = plan(
        step(
            0,
            task_type="conditional_step",
            output_schema="{next_step: int, reason: string}",
            next_step_sequence_number=-2,
            input_variables=["context"],
        ),
        step(1),
    )
    session = await play(
        lambda call: f'{{"next_step": {target}, "reason": "so"}}',
        config=config(step_max_retries=0),
        given=branching,
        context="two",
    )
    failed(session)
    assert len(session.of(e.SampleRedFlagged)) == 1


LIST = step(0, output_schema="{files: [string]}", next_step_sequence_number=1)


def each(call: AgentCall) -> str:
    return '{"files": ["a", "b", "c"]}' if call.key.startswith("step/0") else '{"n": 1}'


async def test_for_each_gives_the_outputs_in_item_order_whoever_was_fast() -> None:
    waiting = [asyncio.Event() for _ in range(4)]
    waiting[3].set()

    async def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return each(call)
        item = int(call.key.split(".")[1].split("/")[0])
        await waiting[item + 1].wait()
        waiting[item].set()
        return f'{{"n": {item}}}'

    items = plan(LIST, step(1, for_each="step_0_output.files"))
    session = await play(ScriptedAgent(script), given=items)
    assert completed(session).result["output"] == [{"n": 0}, {"n": 1}, {"n": 2}]
    replied = [event.key for event in session.of(e.AgentReplied)]
    assert replied[1:] == ["step/1.2/0/0", "step/1.1/0/0", "step/1.0/0/0"]


async def test_each_item_stands_in_its_own_prompt_only() -> None:
    agent = ScriptedAgent(each)
    await play(agent, given=plan(LIST, step(1, for_each="step_0_output.files")))
    prompts = [call.prompt for call in agent.calls if call.key.startswith("step/1")]
    assert ['"b"' in prompt for prompt in prompts] == [False, True, False]


@pytest.mark.parametrize("policy", ["fail", "skip"])
async def test_one_failed_item_fails_only_itself(policy: str) -> None:
    def script(call: AgentCall) -> str:
        return "{}" if call.key.startswith("step/1.1") else each(call)

    items = plan(LIST, step(1, for_each="step_0_output.files", on_item_error=policy))
    session = await play(script, config=config(step_max_retries=0), given=items)
    assert [event.iteration for event in session.of(e.StepFailed)] == [1]
    partial = [{"n": 1}, None, {"n": 1}]
    if policy == "skip":
        assert completed(session).result["output"] == partial
    else:
        assert failed(session).result["steps"][1]["output"] == partial


async def test_a_failed_item_alone_is_done_again_on_resume() -> None:
    items = plan(LIST, step(1, for_each="step_0_output.files"))
    first = await play(
        lambda call: "{}" if call.key.startswith("step/1.1") else each(call),
        config=config(step_max_retries=0),
        given=items,
    )
    agent = ScriptedAgent(each)
    again = await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert agent.keys == ["step/1.1/1/0"]
    assert completed(again).result["output"] == [{"n": 1}] * 3


@pytest.mark.parametrize(("tools", "at_once"), [([], 4), (["Read"], 4), (["Write"], 1)])
async def test_items_with_effects_are_worked_on_one_after_another(
    tools: list[str], at_once: int
) -> None:
    given = plan(
        step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
        step(1, for_each="step_0_output.files", primary_tools=tools, on_item_error="skip"),
    )

    def script(call: AgentCall) -> str:
        if call.key.startswith("step/0"):
            return '{"files": ["a", "b", "c", "d", "e"]}'
        return "junk" if call.key.startswith("step/1.2/0") else '{"n": 1}'

    agent = ScriptedAgent(script)
    run = await play(agent, config=config(allow=["write"]), given=given)
    assert run.of(e.TaskCompleted)
    assert agent.most_under_way == at_once
    assert replay(await run.records()).outcome == "identical"


async def test_for_each_over_nothing_completes_with_an_empty_list() -> None:
    items = plan(LIST, step(1, for_each="step_0_output.files"))
    session = await play(lambda call: '{"files": []}', given=items)
    assert completed(session).result["output"] == []


async def test_a_repeated_step_sees_its_own_last_output_until_it_is_done() -> None:
    agent = ScriptedAgent(
        lambda call: f'{{"n": {len(agent.calls)}, "done": {str(len(agent.calls) == 3).lower()}}}'
    )
    repeated = plan(
        step(0, output_schema="{n: int, done: bool}", repeat=Repeat(until="done", max_iterations=5))
    )
    session = await play(agent, given=repeated)
    assert completed(session).result["output"] == {"n": 3, "done": True}
    assert len(completed(session).result["steps"]) == 1
    assert '{"n": 2, "done": false}' in agent.calls[2].prompt


async def test_a_repeated_step_that_is_never_done_fails_at_its_bound() -> None:
    repeated = plan(
        step(0, output_schema="{done: bool}", repeat=Repeat(until="done", max_iterations=3))
    )
    agent = ScriptedAgent(lambda call: '{"done": false}')
    session = await play(agent, given=repeated)
    assert "3 passes" in failed(session).error
    assert len(agent.keys) == 3


async def test_inputs_that_are_too_large_fail_the_step_with_a_clear_word() -> None:
    large = '{"n": 1, "text": "' + "x" * 500_000 + '"}'
    sized = plan(
        step(0, output_schema="{text: string}", next_step_sequence_number=1),
        step(1, input_variables=["step_0_output.text"]),
    )
    session = await play(lambda call: large, given=sized)
    assert "step_0_output.text" in failed(session).error


WRITE = plan(step(0, primary_tools=["Write"], output_schema="{n: int}"))


async def test_a_plan_with_effects_pauses_for_consent_before_anything_is_asked() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    session = await play(agent, given=WRITE)
    event = last(session)
    assert isinstance(event, e.RunPaused)
    assert event.reason == "approval"
    assert agent.keys == []
    again = await play(
        agent, history=await session.records(), opening=[e.RunResumed(options={"allow": ["write"]})]
    )
    completed(again)


async def test_consent_that_is_given_at_once_lets_the_run_go_on() -> None:
    async def agree(state: RunState) -> Sequence[e.Event]:
        return [e.PlanApproved(grants=missing_grants(state))]

    session = await play(lambda call: '{"n": 1}', given=WRITE, consent=agree)
    completed(session)
    assert session.of(e.PlanApproved)[0].grants == ["write"]


async def test_a_plan_that_the_user_edited_is_validated_and_run_instead() -> None:
    async def edit(state: RunState) -> Sequence[e.Event]:
        return [e.PlanCreated(plan=plan(step(0, title="mine")), origin="user")]

    session = await play(lambda call: '{"n": 1}', given=WRITE, consent=edit)
    assert completed(session).result["steps"][0]["title"] == "mine"
    assert replay(await session.records()).outcome == "identical"


async def test_a_step_with_effects_gets_one_sample_and_says_so() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    voted = config(voting_strategy="first_to_k", voting_k=3, allow=["write"])
    session = await play(agent, config=voted, given=WRITE)
    assert len(agent.keys) == 1
    assert "effects" in session.of(e.StepCompleted)[0].voting_summary.note


async def test_a_dry_run_ends_paused_and_resume_executes_it_without_planning_again() -> None:
    agent = ScriptedAgent(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 1}')
    first = await play(agent, config=config(dry_run=True))
    event = last(first)
    assert isinstance(event, e.RunPaused)
    assert event.reason == "dry_run"
    await play(agent, history=await first.records(), opening=[e.RunResumed()])
    assert agent.keys == ["plan/0", "step/0.0/0/0"]


def _cut_after_start(records: list[Record]) -> list[Record]:
    types = [record.type for record in records]
    return records[: types.index("StepStarted") + 1]


@pytest.mark.parametrize("policy", ["ask", "fail", "retry"])
async def test_an_effect_without_a_known_outcome_is_ambiguous_after_a_crash(policy: str) -> None:
    whole = await play(lambda call: '{"n": 1}', config=config(allow=["write"]), given=WRITE)
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    again = await play(
        agent,
        history=_cut_after_start(await whole.records()),
        opening=[e.RunResumed(options={"on_ambiguous": policy})],
    )
    expected = {"ask": e.RunPaused, "fail": e.TaskFailed, "retry": e.TaskCompleted}[policy]
    assert isinstance(last(again), expected)
    assert len(agent.keys) == (1 if policy == "retry" else 0)
    assert replay(await again.records()).outcome == "identical"


async def test_leaving_the_iteration_early_pauses_the_run_and_stops_the_agents() -> None:
    never = asyncio.Event()

    async def hang(call: AgentCall) -> str:
        await never.wait()
        return ""

    agent, store = ScriptedAgent(hang), MemoryStore()
    orchestrator = Orchestrator(
        config(), registry(), store=store, agent=agent, clock=FakeClock(), run_id=RUN
    )
    opening = (orchestrator.submission(), e.PlanCreated(plan=plan(), origin="user"))
    async with contextlib.aclosing(orchestrator.run(*opening)) as events:
        async for event in events:
            if isinstance(event, e.StepStarted):
                break
    assert agent.under_way == 0
    log = [e.decode(record.payload) for record in await store.load(RUN)]
    assert isinstance(log[-1], e.RunPaused)
    assert log[-1].reason == "signal"


async def test_a_second_session_of_a_live_run_is_refused_before_it_buys_anything() -> None:
    store, agent = MemoryStore(), ScriptedAgent(lambda call: "{}")
    first = Orchestrator(
        config(), registry(), store=store, agent=agent, clock=FakeClock(), run_id=RUN
    )
    opening = (first.submission(), e.PlanCreated(plan=plan(), origin="user"))
    async for _ in first.run(*opening):
        pass
    history = await store.load(RUN)
    await store.acquire(RUN, "elsewhere:1:1", 2e6, 30.0)
    second = Orchestrator(
        config(), registry(), store=store, agent=agent, clock=FakeClock(2e6), history=history,
        run_id=RUN,
    )  # fmt: skip
    bought = len(agent.keys)
    with pytest.raises(RunBusy):
        async for _ in second.run(e.RunResumed()):
            pass
    assert len(agent.keys) == bought


async def test_a_module_that_does_nothing_is_an_error_and_not_a_loop() -> None:
    orchestrator = Orchestrator(
        config(), registry(), agent=ScriptedAgent(lambda call: ""), clock=FakeClock()
    )

    async def idle(event: e.Event):  # type: ignore[no-untyped-def]
        return
        yield

    orchestrator._planner.process = idle  # type: ignore[method-assign]
    with pytest.raises(StalledDispatch):
        async for _ in orchestrator.run():
            pass


async def test_a_quality_check_that_fails_sends_the_plan_back_and_its_cost_is_counted() -> None:
    bad = {
        name: {"pass": name != "self_contained", "reason": "so", "steps": [0]} for name in QUALITIES
    }
    good = {name: {"pass": True, "reason": "so", "steps": []} for name in QUALITIES}

    def script(call: AgentCall) -> str:
        if call.role == "check":
            return msgspec.json.encode(bad if call.key.startswith("check/0") else good).decode()
        return PLAN_TEXT if call.role == "plan" else '{"n": 1}'

    session = await play(script, config=config(enable_quality_checks=True))
    assert completed(session).total_cost_usd == 0.05
    assert len(session.of(e.ValidationFailed)) == 1


async def test_the_plan_of_the_log_decodes_to_what_was_run() -> None:
    session = await play(lambda call: PLAN_TEXT if call.role == "plan" else '{"n": 1}')
    for record, event in zip(await session.records(), await session.log(), strict=True):
        assert e.encode(event) == record.payload
    assert isinstance(session.of(e.PlanCreated)[0].plan, Plan)
