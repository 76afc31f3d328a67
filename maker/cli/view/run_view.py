"""A stored run and its votes as text, for people. Pure; what a model wrote is made harmless."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from maker.cli.view.render import (
    CHOSEN_BY,
    agreement,
    count,
    duration,
    format_event,
    money,
    reason,
)
from maker.cli.view.report import resume_command
from maker.cli.view.table import table
from maker.cli.view.times import when
from maker.cli.view.undecided import undecided
from maker.core import events as e
from maker.core.models import AnswerCount, PlanStep
from maker.core.state import RunState
from maker.core.text import one_line
from maker.inspect.history import RunView, StepView
from maker.inspect.votes import Iteration, Sample, Try
from maker.steps.undecided import undecided_votes

MOST_DETAILED = 5
"""Up to so many iterations are shown with all their votes."""
MOST_LISTED = 40
WIDE = 300


def overview(view: RunView, state: RunState, db: str | None) -> Iterator[str]:
    """The run at a glance."""
    why = reason(view.reason) if view.status == "paused" else one_line(view.reason, WIDE)
    detail = one_line(view.detail, WIDE)
    lines = {
        "run": view.run,
        "asked": one_line(view.instruction, WIDE),
        "status": (", " if view.status == "completed" else ": ").join(
            part for part in (view.status, why, detail) if part
        ),
        "model": one_line(view.model) + (" (simulated)" if view.simulated else ""),
        "voting": view.voting,
        "began": f"{when(view.started_at, '%Y-%m-%d %H:%M:%S')}, last event "
        f"{_later(view.updated_at - view.started_at)}",
        "cost": _cost(view),
        "head": f"{view.head_hash} (event {view.head_seq})",
        "plan": one_line(view.reasoning, WIDE),
    }
    yield from (f"{name:<8} {text}" for name, text in lines.items() if text)
    if view.steps:
        yield ""
        rows = [_step_cells(step, view.simulated) for step in view.steps]
        yield from table(("STEP", "TITLE", "STATUS", ">SAMPLES", "VOTES", ">COST"), rows)
    for step in view.steps:
        yield from _outcome(step, view)
    if view.status == "paused":
        yield from undecided(undecided_votes(state))
    yield from _way_on(view, state, db)


def _way_on(view: RunView, state: RunState, db: str | None) -> Iterator[str]:
    yield ""
    if view.has_result:
        yield f"result   {_value(view.result, WIDE)}"
        yield f"         all of it: maker show {view.run} --result"
    else:
        yield "result   none" + (": what is above is partial" if view.steps else "")
    resume = resume_command(view.run, state, db)
    if resume and view.status != "running":
        yield f"resume   {resume}"


def _cost(view: RunView) -> str:
    totals = view.totals
    parts = [count(totals.samples, "sample"), count(totals.tokens, "token")]
    if totals.red_flagged:
        parts.append(f"{totals.red_flagged} flagged")
    if totals.retries:
        parts.append(f"{totals.retries} asked again after a fault")
    if view.planning.replies:
        parts.append(f"planning {money(view.planning.cost_usd)}")
    if totals.unpriced:
        parts.append(f"{count(totals.unpriced, 'reply')} of unknown cost")
    return f"{money(totals.cost_usd, simulated=view.simulated)}: {', '.join(parts)}"


def _step_cells(step: StepView, simulated: bool) -> tuple[str, ...]:
    return (
        str(step.step),
        one_line(step.title, 50),
        step.status + (f", {step.iterations} iterations" if step.iterations > 1 else ""),
        f"{step.spending.replies:,}",
        _votes(step),
        money(step.spending.cost_usd, simulated=simulated) if step.spending.replies else "",
    )


def _votes(step: StepView) -> str:
    parts = []
    if step.votes:
        parts.append(count(step.votes, "vote"))
        if step.least_margin is not None:
            parts.append(f"margin {step.least_margin}" + " or more" * (step.votes > 1))
    if step.contested:
        parts.append(f"{step.contested} contested")
    if step.undecided:
        parts.append(f"{step.undecided} undecided")
    if step.red_flagged:
        parts.append(f"{step.red_flagged} flagged")
    if step.note:
        parts.append(one_line(step.note, 80))
    return ", ".join(parts)


def _outcome(step: StepView, view: RunView) -> Iterator[str]:
    if step.error:
        yield f"step {step.step} failed: {one_line(step.error, WIDE)}"
    elif step.status == "completed" and not (view.has_result and step.output == view.result):
        yield f"step {step.step} gave: {_value(step.output, 160)}"


def step(planned: PlanStep, iterations: Iterable[Iteration], *, simulated: bool) -> Iterator[str]:
    """How a step was voted on; many iterations as a table of those that were not unanimous."""
    following = iter(iterations)
    first = [*islice(following, MOST_DETAILED + 1)]
    yield f"step {planned.step}: {one_line(planned.title)}"
    if planned.vote_on:
        yield f"compared: {one_line(', '.join(planned.vote_on), WIDE)}"
    if not first:
        yield "it was not begun"
    elif len(first) <= MOST_DETAILED:
        for iteration in sorted(first, key=lambda iteration: iteration.iteration):
            yield from _iteration(iteration, simulated)
    else:
        yield from _many(chain(first, following), simulated)


def _many(iterations: Iterable[Iteration], simulated: bool) -> Iterator[str]:
    total, smooth, first, rough = 0, 0, 0, list[Iteration]()
    for total, iteration in enumerate(iterations, start=1):
        smooth += iteration.is_smooth
        first = first if total > 1 else iteration.iteration
        if not iteration.is_smooth and len(rough) < MOST_LISTED:
            rough.append(iteration)
    yield f"{total} iterations, {smooth} of them unanimous at the first try"
    headings = ("ITERATION", "OUTCOME", ">TRIES", ">SAMPLES", ">FLAGGED", "VOTES", ">MARGIN")
    rough.sort(key=lambda each: each.iteration)
    if rough:
        yield "the others:"
        yield from table((*headings, ">COST"), [_cells(each, simulated) for each in rough])
    if total - smooth > MOST_LISTED:
        yield f"... and {total - smooth - MOST_LISTED} more (--json has them all)"
    yield f"one of them in full: --step N --iteration {rough[0].iteration if rough else first}"


def _cells(iteration: Iteration, simulated: bool) -> tuple[str, ...]:
    last = iteration.tries[-1] if iteration.tries else None
    samples = [sample for each in iteration.tries for sample in each.samples]
    return (
        str(iteration.iteration),
        iteration.outcome,
        str(len(iteration.tries)),
        str(len(samples)),
        str(sum(bool(sample.flag) for sample in samples)),
        " to ".join(str(len(answer.samples)) for answer in last.answers[:5]) if last else "",
        str(last.margin) if last and last.answers else "",
        money(iteration.spending.cost_usd, simulated=simulated),
    )


def _iteration(iteration: Iteration, simulated: bool) -> Iterator[str]:
    yield ""
    spending = iteration.spending
    cost = money(spending.cost_usd, simulated=simulated)
    unknown = f", {count(spending.unpriced, 'reply')} of unknown cost" if spending.unpriced else ""
    yield f"iteration {iteration.iteration}: {iteration.outcome}, {cost}{unknown}"
    for attempt in iteration.tries:
        yield from _indented(_try(attempt, simulated))
    if iteration.error:
        yield f"  error: {one_line(iteration.error, WIDE)}"
    elif iteration.outcome == "completed":
        yield f"  output: {_value(iteration.output, WIDE)}"


def _try(attempt: Try, simulated: bool) -> Iterator[str]:
    parts = [f"try {attempt.try_number}: {attempt.outcome}", count(len(attempt.samples), "sample")]
    if attempt.strategy:
        parts.append("no vote" if attempt.strategy == "none" else attempt.strategy)
    if attempt.answers:
        parts.append(f"margin {attempt.margin}")
    if attempt.decided_by is not None:
        parts.append(f"decided by sample {attempt.decided_by}")
    if attempt.chosen_by != "votes":
        parts.append(f"undecided: {CHOSEN_BY[attempt.chosen_by]}")
    yield ", ".join(parts) + (f" ({one_line(attempt.note)})" if attempt.note else "")
    if agreed := agreement(attempt.compared, attempt.differing, attempt.reordered):
        yield f"  {agreed}"
    if attempt.answers:
        clusters = [_cluster(answer, attempt) for answer in attempt.answers]
        yield from _indented(table((">VOTES", "", "SAMPLES", "ANSWER"), clusters))
    if attempt.samples:
        rows = [_sample(sample, attempt, simulated) for sample in attempt.samples]
        yield from _indented(table(("SAMPLE", "COUNTED", ">COST", ">TOKENS", ">TIME"), rows))
    if attempt.error:
        yield f"  {one_line(attempt.error, WIDE)}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _cluster(answer: AnswerCount, attempt: Try) -> tuple[str, ...]:
    votes = len(answer.samples)
    won = "won" if attempt.winner in answer.samples else ""
    listed = ", ".join(map(str, answer.samples[:12])) + (", ..." if votes > 12 else "")
    return str(votes), won, listed, one_line(answer.answer, 160)


def _sample(sample: Sample, attempt: Try, simulated: bool) -> tuple[str, ...]:
    cost = "unknown" if sample.cost_usd is None else money(sample.cost_usd, simulated=simulated)
    if sample.flag:
        counted = f"flagged, {reason(sample.flag)}: {one_line(sample.detail, 120)}"
    elif attempt.outcome == "open":
        counted = "not yet: the vote is open"
    else:
        counted = "yes" if sample.verdict in ("", "clean") else f"yes, {sample.verdict}"
        counted += f": {one_line('; '.join(sample.notes), 120)}" if sample.notes else ""
        counted += (
            "" if sample.checked_ms is None else f", checked in {duration(sample.checked_ms)}"
        )
    tokens = "" if sample.tokens is None else f"{sample.tokens:,}"
    return str(sample.sample), counted, cost, tokens, duration(sample.duration_ms)


def event_line(seq: int, event: e.Event, *, simulated: bool) -> str:
    """An event with its number and time."""
    line = format_event(event, simulated=simulated)
    return f"{seq:>6}  {when(event.timestamp, '%H:%M:%S')}  {line}"


def _value(value: Any, limit: int) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text, limit)


def _later(seconds: float) -> str:
    return f"{duration(1000 * seconds)} later" if seconds >= 0 else "before it: the clock went back"
