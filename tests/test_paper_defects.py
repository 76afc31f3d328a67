"""Twelve defects that an implementation of this design once had: here each is a rule that holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fakes import E, FakeClock, Play, ScriptedAgent, plan, play, step
from maker.agents.options import CLOSED, sdk_options
from maker.core import events as e
from maker.core.models import AgentCall, AgentError, AgentReply, Plan, TaskConfig
from maker.core.permissions import allow_rules, offered
from maker.engine.orchestrator import Orchestrator
from maker.plan.plan_text import plan_to_yaml
from maker.prompts.quality import QUALITIES
from maker.tools.registry import ToolRegistry

BRANCH = step(
    0,
    task_type="conditional_step",
    input_variables=["context"],
    output_schema="",
    next_step_sequence_number=-2,
    targets=[1, 2],
)


def config(**changes: object) -> TaskConfig:
    fields: dict[str, object] = {"instruction": "Count the words.", **changes}
    return TaskConfig(**fields)  # type: ignore[arg-type]


def planned(call: AgentCall, given: Plan) -> str | None:
    return plan_to_yaml(given) if call.role == "plan" else None


def end(session: Play, kind: type[E]) -> E:
    """The last event, which is of this kind."""
    last = session.events[-1]
    assert isinstance(last, kind)
    return last


async def test_1_costs_and_tokens_are_those_of_the_replies_in_steps_and_totals() -> None:
    session = await play(lambda call: planned(call, plan()) or '{"n": 3}')
    (done,) = session.of(e.StepCompleted)
    assert (done.cost_usd, done.tokens) == (0.01, 120)
    ended = end(session, e.TaskCompleted)
    assert (ended.total_cost_usd, ended.totals.tokens) == (0.02, 240)


async def test_2_every_flagged_sample_and_every_vote_is_an_event() -> None:
    answers = iter(['{"n": 3}', "no idea", '{"n": 3}'])
    voted = config(voting_strategy="first_to_k", voting_k=2)
    session = await play(lambda call: next(answers), config=voted, given=plan())
    assert [event.sample for event in session.of(e.SampleRedFlagged)] == [1]
    (vote,) = session.of(e.VoteCompleted)
    assert (vote.samples, vote.red_flagged, vote.margin) == (3, 1, 2)


async def test_3_the_samples_of_a_round_are_asked_at_the_same_time() -> None:
    everybody = asyncio.Barrier(3)

    async def script(call: AgentCall) -> str:
        async with asyncio.timeout(5):
            await everybody.wait()
        return '{"n": 3}'

    agent = ScriptedAgent(script)
    voted = config(voting_strategy="first_to_k", voting_k=3)
    session = await play(agent, config=voted, given=plan())
    assert end(session, e.TaskCompleted)
    assert agent.most_under_way == 3


async def test_4_quality_checks_run_and_are_paid_for() -> None:
    judged = {name: {"pass": True, "reason": "so", "steps": []} for name in QUALITIES}

    def script(call: AgentCall) -> str:
        if call.role == "check":
            return json.dumps(judged)
        return planned(call, plan()) or '{"n": 3}'

    session = await play(script, config=config(enable_quality_checks=True))
    assert end(session, e.TaskCompleted).total_cost_usd == 0.03


@pytest.mark.parametrize("kind", ["max_turns", "execution", "budget", "server"])
async def test_5_a_failed_result_is_never_a_vote_whatever_its_text_says(kind: str) -> None:
    def script(call: AgentCall) -> AgentReply:
        failed = call.key.endswith("/0")
        error = AgentError(kind=kind, message="stopped") if failed else None
        return AgentReply(text='{"n": 13}' if failed else '{"n": 3}', error=error)

    voted = config(voting_strategy="first_to_k", voting_k=2)
    session = await play(script, config=voted, given=plan())
    (vote,) = session.of(e.VoteCompleted)
    assert [cluster.samples for cluster in vote.answers] == [[1, 2]]
    assert end(session, e.TaskCompleted).result["output"] == {"n": 3}


async def test_6_mcp_servers_reach_the_options_of_the_call_that_names_them(tmp_path: Path) -> None:
    tools = ToolRegistry.with_defaults()
    tools.register_mcp("notes", {"command": "notes-server"}, tools={"find": {"effect": "read"}})
    needing = plan(step(0, primary_tools=["mcp__notes__find"]))
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    orchestrator = Orchestrator(config(cwd=str(tmp_path)), tools, agent=agent, clock=FakeClock())
    opening = (orchestrator.submission(), e.PlanCreated(plan=needing, origin="user"))
    events = [event async for event in orchestrator.run(*opening)]
    assert isinstance(events[-1], e.TaskCompleted)
    (call,) = agent.calls
    options = sdk_options(call, live_servers={}, environ={}, spill=tmp_path)
    assert "notes-server" in options["mcp_servers"]["notes"]["args"]


@pytest.mark.parametrize("target", [0, -2, -5, 9])
async def test_7_a_next_step_that_is_no_target_neither_loops_nor_ends_the_run(target: int) -> None:
    agent = ScriptedAgent(lambda call: f'{{"next_step": {target}, "reason": "so"}}')
    branching = plan(BRANCH, step(1), step(2))
    session = await play(agent, config=config(step_max_retries=1), given=branching, context="two")
    assert len(agent.keys) == 2
    assert {event.reason for event in session.of(e.SampleRedFlagged)} == {"targets"}
    assert end(session, e.TaskFailed)


@pytest.mark.parametrize(
    "text", ["", "plan: [", "- a\n- b", "plan: *x", "[" * 20_000, "\x00\ud800", "plan: 3", "{}"]
)
async def test_8_no_text_of_the_planner_makes_an_error_escape(text: str) -> None:
    session = await play(lambda call: text, config=config(max_planner_retries=1))
    assert len(session.of(e.ValidationFailed)) == 2
    assert "no valid plan" in end(session, e.TaskFailed).error


async def test_9_the_instructions_for_the_tools_are_in_the_prompt() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    reading = step(
        0,
        primary_tools=["Read"],
        primary_tool_instructions="Open the file called alpha.",
        fallback_tools=["Grep"],
        fallback_tool_instructions="Search for the word beta.",
    )
    await play(agent, given=plan(reading))
    assert "Open the file called alpha." in agent.calls[0].prompt
    assert "Search for the word beta." in agent.calls[0].prompt


async def test_10_the_output_of_a_skipped_branch_is_null_and_no_error() -> None:
    merging = plan(
        BRANCH,
        step(1, next_step_sequence_number=2),
        step(2, input_variables=["step_1_output.n"]),
    )
    agent = ScriptedAgent(
        lambda call: (
            '{"next_step": 2, "reason": "so"}' if call.key.startswith("step/0") else '{"n": 3}'
        )
    )
    session = await play(agent, given=merging, context="two")
    assert end(session, e.TaskCompleted)
    assert "null" in agent.calls[-1].prompt


async def test_11_a_step_with_effects_is_sampled_once_and_permissions_are_never_bypassed() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    voted = config(voting_strategy="first_to_k", voting_k=3, allow=["write"])
    session = await play(agent, config=voted, given=plan(step(0, primary_tools=["Write"])))
    assert agent.keys == ["step/0.0/0/0"]
    assert "effects" in session.of(e.StepStarted)[0].note
    assert CLOSED["permission_mode"] == "dontAsk"


async def test_12_a_step_is_offered_its_own_tools_and_no_others(tmp_path: Path) -> None:
    agent = ScriptedAgent(lambda call: '{"n": 3}')
    everything = config(allow=["write", "bash", "external"], cwd=str(tmp_path))
    await play(agent, config=everything, given=plan(step(0, primary_tools=["Read"])))
    (call,) = agent.calls
    assert offered(call) == ["Read"]
    options = sdk_options(call, live_servers={}, environ={}, spill=tmp_path)
    assert options["tools"] == ["Read"]
    assert not [rule for rule in allow_rules(call, [str(tmp_path)]) if "Bash" in rule]
