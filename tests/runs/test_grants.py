"""What a plan needs consent for, and what its agents are held to once it is given."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from fakes import ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import Plan, ToolSpec
from maker.core.policy import missing_grants
from maker.core.state import RunState
from maker.inspect.replay import replay
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()
NAMED = "Compare https://sqlite.org/lang.html with docs.python.org."


def planned(given: Plan, tools: list[ToolSpec] = TOOLS, **settings: object) -> RunState:
    task = config(**settings)
    submitted = e.TaskSubmitted(instruction=task.instruction, config=task, tools=tools)
    return fold([submitted, e.PlanCreated(plan=given)])


def fetching(text: str, **changes: object) -> Plan:
    return plan(step(0, task_description=text, **{"primary_tools": ["WebFetch"], **changes}))


def test_hosts_that_the_instruction_names_need_no_question() -> None:
    fetched = fetching("Fetch https://sqlite.org/lang.html and http://docs.python.org/3/.")
    assert missing_grants(planned(fetched, instruction=NAMED)) == []


def test_hosts_that_only_the_plan_names_are_asked_for_by_name() -> None:
    fetched = fetching("Fetch https://sqlite.org/x, then https://evil.com/?q=notes.")
    assert missing_grants(planned(fetched, instruction=NAMED)) == ["web:evil.com"]


@pytest.mark.parametrize(
    "where",
    [
        "title",
        "task_description",
        "primary_tool_instructions",
        "fallback_tool_instructions",
    ],
)
def test_a_host_is_found_wherever_the_agent_is_told_it(where: str) -> None:
    fetched = plan(
        step(0, next_step_sequence_number=1, **{where: "See https://evil.com/."}),
        step(1, title="fetch it", primary_tools=["Read"], fallback_tools=["WebFetch"]),
    )
    assert missing_grants(planned(fetched)) == ["web:evil.com"]


def test_a_plan_that_fetches_nothing_is_not_asked_about_its_hosts() -> None:
    assert missing_grants(planned(plan(step(0, title="Write https://evil.com down.")))) == []


@pytest.mark.parametrize(
    ("allow", "missing"),
    [
        ([], ["web:evil.com"]),
        (["web:evil.com"], []),
        (["web:www.evil.com"], []),
        (["web:*.evil.com"], []),
        (["web:good.com", "write"], ["web:evil.com"]),
        (["web"], []),
    ],
)
def test_what_the_user_allows_needs_no_question(allow: list[str], missing: list[str]) -> None:
    assert missing_grants(planned(fetching("Fetch https://evil.com/."), allow=allow)) == missing


def test_a_search_needs_the_web_and_the_web_is_enough() -> None:
    searched = fetching("Search, then fetch https://evil.com/.", fallback_tools=["WebSearch"])
    assert missing_grants(planned(searched, instruction=NAMED)) == ["web"]
    assert missing_grants(planned(searched, allow=["web"])) == []
    assert missing_grants(planned(searched, allow=["web:evil.com"])) == ["web"]


def test_the_grants_of_a_plan_come_in_one_order() -> None:
    everything = fetching("Fetch https://evil.com/.", fallback_tools=["Bash", "Write"])
    assert missing_grants(planned(everything)) == ["write", "bash", "web:evil.com"]


async def allow(state: RunState) -> Sequence[e.Event]:
    return [e.PlanApproved(grants=missing_grants(state))]


async def test_an_agent_is_told_and_held_to_the_hosts_that_were_agreed_to() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    fetched = fetching("Fetch https://evil.com/.")
    session = await play(agent, config=config(instruction=NAMED), given=fetched, consent=allow)
    (call,) = agent.calls
    assert call.grants == ["web:docs.python.org", "web:evil.com", "web:sqlite.org"]
    assert (
        "WebFetch reaches these hosts and no others: docs.python.org, evil.com, sqlite.org, "
        "www.docs.python.org, www.evil.com, www.sqlite.org" in call.prompt
    )
    assert replay(await session.records()).outcome == "identical"


async def test_without_consent_the_run_pauses_and_says_for_which_host() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    session = await play(agent, given=fetching("Fetch https://evil.com/."))
    paused = session.events[-1]
    assert isinstance(paused, e.RunPaused)
    assert (paused.reason, agent.calls) == ("approval", [])
    assert "web:evil.com" in paused.detail


async def test_a_step_that_fetches_is_voted_on_like_one_that_reads() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    voted = config(voting_strategy="first_to_k", voting_k=2, allow=["web"])
    session = await play(agent, config=voted, given=fetching("Fetch https://evil.com/."))
    (started,) = session.of(e.StepStarted)
    assert isinstance(started, e.StepStarted)
    assert (started.effect, started.strategy, len(agent.calls)) == ("web", "first_to_k", 2)
    assert "reaches these hosts" not in agent.calls[0].prompt


def test_a_log_that_recorded_the_web_as_reading_asks_for_nothing() -> None:
    old = [
        msgspec.structs.replace(tool, effect="read") if tool.effect == "web" else tool
        for tool in TOOLS
    ]
    fetched = fetching("Fetch https://evil.com/.", fallback_tools=["WebSearch"])
    assert missing_grants(planned(fetched, tools=old)) == []
    assert missing_grants(planned(fetched)) == ["web"]
