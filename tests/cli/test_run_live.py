"""The picture that the live view draws of a run."""

from __future__ import annotations

import io

from rich.console import Console

from maker.cli.view.live import picture
from maker.core import events as e
from maker.core import keys
from maker.core.fold import fold
from maker.core.models import AgentReply, Digest, Plan, PlanStep, TaskConfig, VotingSummary
from maker.core.state import RunState

HOSTILE = "[bold]look[/bold] \x1b[2J\u202e here"


def plan(steps: int) -> Plan:
    listed = [
        PlanStep(
            step=n,
            task_type="action_step",
            title=HOSTILE if n == 0 else f"title {n}",
            task_description="x",
            output_schema="{done: bool}",
            next_step_sequence_number=n + 1 if n + 1 < steps else -1,
        )
        for n in range(steps)
    ]
    return Plan(reasoning="x", steps=listed)


def started(steps: int) -> list[e.Event]:
    config = TaskConfig(instruction="x", agent="simulated")
    return [
        e.TaskSubmitted(instruction="x", config=config),
        e.PlanCreated(plan=plan(steps)),
        e.ValidationPassed(checks_passed=28),
        e.StepStarted(step=0, title=HOSTILE, strategy="first_to_k", try_number=1),
        e.AgentReplied(
            key=keys.sample_key(0, 0, 1, 0),
            request=Digest(""),
            prompt=Digest(""),
            reply=AgentReply(text="{}"),
        ),
        e.SampleRedFlagged(step=0, iteration=0, try_number=1, sample=0, reason="parse", detail="x"),
    ]


def completed(step: int) -> e.StepCompleted:
    summary = VotingSummary(strategy="none", total_samples=1, red_flagged=0, winning_votes=1)
    return e.StepCompleted(
        step=step,
        title="x",
        output={"done": True},
        voting_summary=summary,
        cost_usd=0.0,
        duration_ms=1,
    )


def drawn(state: RunState, *, last: str = "", rows: int = 20, width: int = 90) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(state, {}, last, 1.0, rows, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_running_step_shows_its_samples_and_flags() -> None:
    shown = drawn(fold(started(2)), last="the last event")
    assert "running, 1 sample, 1 flagged" in shown
    assert "1 sample in, 1 flagged (first_to_k), try 2" in shown
    assert "the last event" in shown


def test_text_of_a_model_is_neither_markup_nor_a_sequence() -> None:
    shown = drawn(fold(started(2)))
    assert "[bold]look[/bold]  here" in shown.replace("look[/bold] here", "look[/bold]  here")
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_before_there_is_a_plan_the_view_says_so() -> None:
    assert "planning, 0 samples" in drawn(fold(started(1)[:1]))
    assert "validating" in drawn(fold(started(1)[:2]))


def test_a_long_plan_shows_the_steps_around_the_current_one() -> None:
    events = started(40) + [completed(step) for step in range(25)]
    shown = drawn(fold(events), rows=6)
    assert "title 25" in shown
    assert "title 2\n" not in shown
    assert "(34 more steps)" in shown
    assert len(shown.splitlines()) <= 6 + 3


def test_a_finished_run_is_drawn_with_what_became_of_each_step() -> None:
    failed = e.StepFailed(step=1, title="x", error="no \x1b[2Janswer")
    shown = drawn(fold([*started(2), completed(0), failed, e.TaskFailed(error="x", step=1)]))
    assert "✓ 0" in shown
    assert "✗ 1 title 1" in shown
    assert "no answer" in shown
    assert "failed" in shown.splitlines()[0]


def test_a_narrow_terminal_keeps_marks_and_numbers_and_says_what_it_cuts() -> None:
    shown = drawn(fold([*started(3), completed(0)]), width=40).splitlines()
    assert shown[0].endswith("…")
    assert shown[1].startswith("✓ 0 [bold]look")
    assert shown[2][1:].startswith(" 1 title 1")
    assert shown[3].startswith("· 2 title 2")


def test_a_narrow_terminal_gets_no_line_twice() -> None:
    shown = drawn(fold(started(3)), width=30, last="x" * 200)
    assert len(shown.splitlines()) == 5
