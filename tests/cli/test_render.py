"""What people see of events and answers."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.cli.view import render
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core import keys
from maker.core.models import (
    AgentError,
    AgentReply,
    AnswerCount,
    Digest,
    Plan,
    PlanStep,
    Problem,
    TaskConfig,
    Usage,
    VotingSummary,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\x00\x9b31m\nsecond line\r"


def planning_events(text: str) -> list[e.Event]:
    """The events of a session and its plan, with this text wherever someone has a say."""
    step = PlanStep(step=0, task_type="action_step", title=text, task_description=text)
    problem = Problem(check="parse", message=text, fix=text, quote=text, step=1)
    return [
        e.TaskSubmitted(instruction=text, config=TaskConfig(instruction=text)),
        e.PlanCreated(plan=Plan(reasoning=text, steps=[step]), notes=[text]),
        e.PlannerDeclined(question=text),
        e.ValidationPassed(checks_passed=12, warnings=[problem]),
        e.ValidationFailed(errors=[problem, {"check": "x", "message": text}]),
        e.PlanApproved(grants=[text]),
        e.RunPaused(reason="budget", detail=text),
        e.RunResumed(options={text: 1}, replan=True),
        e.RunCancelled(detail=text),
        e.ModelFellBack(model=text, successor=text),
        e.QuestionAnswered(key=keys.plan_key(0), question=text, answer=text),
        e.TaskCompleted(result={"output": text}, total_cost_usd=0.05, total_duration_ms=15_000),
        e.TaskFailed(error=text, step=1),
    ]


def step_events(text: str) -> list[e.Event]:
    """The events of a step and its samples."""
    key = keys.sample_key(1, 2, 0, 3)
    at: dict[str, Any] = {"step": 1, "iteration": 2, "try_number": 0}
    reply = AgentReply(text=text, cost_usd=0.002, usage=Usage(input_tokens=7), simulated=True)
    summary = VotingSummary(
        strategy="first_to_k", total_samples=3, red_flagged=1, winning_votes=2, note=text
    )
    return [
        e.ForEachStarted(step=1, title=text, items=3),
        e.StepStarted(step=1, title=text, note=text, try_number=1, strategy="majority"),
        e.AgentReplied(key=key, request=Digest("00"), prompt=Digest("00"), reply=reply),
        e.AgentRetried(key=key, attempt=0, kind="rate_limit", message=text, wait_s=2.0),
        e.AnswerChecked(
            key=key, answer=Digest("00"), flag="refused", problems=[text], duration_ms=5
        ),
        e.ChangesApplied(key=key, digest=text, folder=text, paths=[text], carried=[text]),
        e.SampleRedFlagged(**at, sample=3, reason="parse", detail=text),
        e.VoteCompleted(
            **at,
            strategy="first_to_k",
            answers=[AnswerCount(answer=text, samples=[0, 2])],
            winner=0,
            margin=2,
            decided_by=2,
            samples=3,
            red_flagged=1,
        ),
        e.AnswerChosen(**at, sample=2),
        e.TryFailed(**at, error=text),
        e.StepCompleted(
            step=1, title=text, output=text, voting_summary=summary, cost_usd=0.01, duration_ms=500
        ),
        e.StepFailed(step=1, title=text, error=text),
        e.PlanAbandoned(step=1, reason=text),
    ]


def every_event(text: str) -> list[e.Event]:
    """One event of each kind."""
    return [*planning_events(text), *step_events(text)]


def test_there_is_a_line_for_every_kind_of_event() -> None:
    kinds = {type(event) for event in every_event("text")}
    assert kinds == set(get_args(e.Event))
    for event in every_event("text"):
        assert render.format_event(event)


@pytest.mark.parametrize("event", every_event(HOSTILE), ids=lambda event: type(event).__name__)
def test_no_event_can_send_the_terminal_anything_but_one_printable_line(event: e.Event) -> None:
    assert render.format_event(event).isprintable()


@given(st.text(max_size=400))
def test_any_text_in_an_event_stays_on_one_line(text: str) -> None:
    event = e.TaskFailed(error=text, step=1)
    assert len(render.format_event(event).splitlines()) == 1


def test_a_reply_without_an_answer_says_why() -> None:
    reply = AgentReply(text="", error=AgentError(kind="timeout", message="600 s were not enough"))
    event = e.AgentReplied(
        key=keys.plan_key(0), request=Digest("00"), prompt=Digest("00"), reply=reply
    )
    assert "Planner gave no answer: timeout: 600 s" in render.format_event(event)


def test_a_cost_that_is_estimated_is_shown_as_such_even_without_an_answer() -> None:
    fault = AgentError(kind="timeout", message="600 s were not enough")
    reply = AgentReply(text="", error=fault, cost_usd=3.0, estimated=True)
    event = e.AgentReplied(
        key=keys.plan_key(0), request=Digest("00"), prompt=Digest("00"), reply=reply
    )
    assert render.format_event(event).endswith("(about $3.00)")


def test_a_call_that_is_asked_again_shows_what_it_had_bought() -> None:
    event = e.AgentRetried(
        key=keys.plan_key(0), attempt=0, kind="server", message="500", wait_s=1.0, cost_usd=3.0
    )
    assert render.format_event(event).endswith("asks again in 1.0 s: 500 ($3.00 spent)")


def test_what_an_agent_left_running_is_named_on_one_line() -> None:
    reply = AgentReply(text="x", left_running=("sleep 4321", "python -m\x1b[2J http.server"))
    event = e.AgentReplied(
        key=keys.plan_key(0), request=Digest("00"), prompt=Digest("00"), reply=reply
    )
    shown = render.format_event(event)
    assert "left running was ended: sleep 4321, python -m" in shown
    assert shown.isprintable()


def test_an_unknown_cost_is_not_shown_as_zero() -> None:
    event = e.AgentReplied(
        key=keys.sample_key(0, 0, 0, 0),
        request=Digest("00"),
        prompt=Digest("00"),
        reply=AgentReply(text="x"),
    )
    assert "cost unknown" in render.format_event(event)


def test_costs_nobody_pays_are_labelled() -> None:
    event = e.TaskCompleted(result={}, total_cost_usd=0.05, total_duration_ms=1)
    assert "$0.0500 simulated" in render.format_event(event, simulated=True)
    assert "simulated" not in render.format_event(event)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("plain", "plain"),
        ({"answer": "plain\nlines"}, "plain\nlines"),
        ({"count": 3}, "3"),
        ({"usd": 397.8}, "397.8"),
        ({"is_so": False}, "false"),
        ({"list": [1]}, '{\n  "list": [\n    1\n  ]\n}'),
        ({"a": "x", "b": "y"}, '{\n  "a": "x",\n  "b": "y"\n}'),
        (["é"], '[\n  "é"\n]'),
        (None, "null"),
    ],
)
def test_an_answer_is_bare_if_it_is_one_scalar_and_json_otherwise(output: Any, text: str) -> None:
    assert render.answer_text(output) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner, min_size=2),
        max_leaves=10,
    )
)
def test_an_answer_that_is_no_single_string_can_be_read_back(output: Any) -> None:
    text = render.answer_text(output)
    assert text == output if isinstance(output, str) else json.loads(text) == output


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(500, "0.5 s"), (59_900, "59.9 s"), (61_000, "1 min 01 s"), (3_720_000, "1 h 02 min")],
)
def test_durations_are_said_as_people_say_them(milliseconds: int, shown: str) -> None:
    assert render.duration(milliseconds) == shown


def test_json_lines_hold_the_event_and_its_number() -> None:
    event = e.RunPaused(reason="budget", detail=HOSTILE)
    line = json_line(7, event)
    assert line.isascii()
    assert line.isprintable()
    found = json.loads(line)
    assert found.pop("seq") == 7
    assert msgspec.convert(found, e.Event) == event


def test_a_warning_is_said_in_words() -> None:
    problem = Problem(check="used-outputs", message="nobody reads it", step=2, fix="Remove it.")
    line = render.format_event(e.ValidationPassed(checks_passed=3, warnings=[problem]))
    assert line.endswith("worth a look: used-outputs (step 2): nobody reads it")


def test_a_branch_that_no_agent_took_says_why() -> None:
    summary = VotingSummary(
        strategy="none",
        total_samples=0,
        red_flagged=0,
        winning_votes=0,
        note="decided by the program",
    )
    event = e.StepCompleted(
        step=1,
        title="how deep?",
        output={"next_step": 2, "reason": "inputs.mode is whole"},
        voting_summary=summary,
        cost_usd=0.0,
        duration_ms=0,
    )
    line = render.format_event(event)
    assert line == "Step 1 completed: how deep? (decided by the program): inputs.mode is whole"
