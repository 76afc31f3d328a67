"""Events as lines of text, for people. Pure; everything a model or user wrote is made harmless.

What opens and closes a session is in `report.py`, a whole plan in `plan_view.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, assert_never

import msgspec

from maker.cli.view.times import when
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentReply, CallKey, ChosenBy, VotingSummary
from maker.core.state import problems_text
from maker.core.text import one_line

LONG = 300
"""Characters that a message of a model or an agent may take in a line."""


CHOSEN_BY: dict[ChosenBy, str] = {"user": "you chose", "plurality": "the most votes were taken"}


def format_event(event: e.Event, *, simulated: bool = False) -> str:
    """The event on one line; `simulated` labels costs that nobody pays."""
    match event:
        case e.TaskSubmitted():
            return _submitted(event)
        case e.PlanCreated():
            return _planned(event)
        case e.PlannerDeclined():
            return f"Planner asks: {_long(event.question)}"
        case e.ValidationPassed():
            return _passed(event)
        case e.ValidationFailed():
            return _refused(event)
        case e.PlanApproved():
            return f"Plan approved: {one_line(', '.join(event.grants)) or 'nothing more needed'}"
        case e.ModelFellBack():
            return _fell_back(event)
        case e.QuestionAnswered():
            return f"Question answered: {one_line(event.question)} {one_line(event.answer)}"
        case e.AgentReplied():
            return f"{caller(event.key)} {_reply(event.reply)}{_left_running(event.reply)}"
        case e.AgentRetried():
            return _retried(event)
        case e.ForEachStarted():
            title = one_line(event.title)
            return f"{place(event.step)} has {count(event.items, 'item')}: {title}"
        case e.StepStarted():
            return _started(event)
        case e.AnswerChecked():
            return f"{caller(event.key)} checked: {_checked(event)}"
        case e.ChangesApplied():
            names = ", ".join(one_line(path, 60) for path in event.paths[:5])
            files = count(len(event.paths) + len(event.carried), "file")
            return f"{caller(event.key)} applied in {one_line(event.folder)}: {files} ({names})"
        case e.SampleRedFlagged():
            why = f"{reason(event.reason)}: {_long(event.detail)}"
            return f"{place(event.step, event.iteration)}, sample {event.sample} flagged: {why}"
        case e.VoteCompleted():
            return f"{place(event.step, event.iteration)} vote: {_vote(event)}"
        case e.AnswerChosen():
            where = place(event.step, event.iteration)
            return f"{where} vote: you chose the answer of sample {event.sample}"
        case e.TryFailed():
            where = place(event.step, event.iteration)
            return f"{where}, try {event.try_number + 1} failed: {_long(event.error)}"
        case e.StepCompleted():
            return _completed(event, simulated)
        case e.StepFailed():
            where = place(event.step, event.iteration)
            return f"{where} failed: {one_line(event.title)}: {_long(event.error)}"
        case e.PlanAbandoned():
            return f"Planning again: {_long(event.reason)}"
        case e.TaskCompleted():
            missing = _long(event.census.words) if event.census else ""
            return f"Task completed: {_used(event, simulated)}" + (missing and f"; {missing}")
        case e.TaskFailed():
            return f"Task failed: {_long(event.error)} ({_used(event, simulated)})"
        case e.RunPaused():
            return _with_detail(f"Paused: {reason(event.reason)}", event.detail)
        case e.RunResumed():
            return _resumed(event)
        case e.RunCancelled():
            return _with_detail("Cancelled", event.detail)
        case _:
            assert_never(event)


def money(cost_usd: float, *, simulated: bool = False) -> str:
    """Dollars with as many digits as matter; labelled where nobody pays them."""
    digits = 2 if cost_usd >= 1 or cost_usd == 0 else 4
    return f"${cost_usd:,.{digits}f}{' simulated' if simulated else ''}"


def duration(milliseconds: float) -> str:
    """A time as people say it."""
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`, `1,024 tries`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"


def place(step: int, iteration: int = 0) -> str:
    """Where in the plan: the step, and which iteration of it."""
    return f"Step {step}" + (f", iteration {iteration}" if iteration else "")


def caller(key: CallKey) -> str:
    """Who was asked under this call key."""
    match keys.place_of(key):
        case keys.SamplePlace(step, iteration, _, sample):
            return f"{place(step, iteration)}, sample {sample}"
        case keys.PlanPlace():
            return "Planner"
        case keys.CheckPlace():
            return "Judge of the plan"


def answer_text(output: Any) -> str:
    """A run's output for stdout: bare if it is one text, number or bool, otherwise JSON."""
    if isinstance(output, dict) and len(output) == 1:
        only = next(iter(output.values()))
        output = only if isinstance(only, str | int | float) else output  # a bool is an int
    if isinstance(output, str):
        return output
    return json.dumps(output, ensure_ascii=False, indent=2)


def voting(summary: VotingSummary) -> str:
    """How an output was chosen, in a few words."""
    parts = [count(summary.total_samples, "sample")]
    if summary.strategy != "none":
        parts.append(f"{summary.winning_votes} agree, margin {summary.margin}")
    if summary.chosen_by != "votes":
        parts.append(f"undecided: {CHOSEN_BY[summary.chosen_by]}")
    if summary.red_flagged:
        parts.append(f"{summary.red_flagged} flagged")
    if summary.note:
        parts.append(one_line(summary.note))
    return ", ".join(parts)


def _submitted(event: e.TaskSubmitted) -> str:
    along = f" (+ context: {count(len(event.context), 'character')})" if event.context else ""
    return f"Task submitted: {one_line(event.instruction)}{along}"


def _resumed(event: e.RunResumed) -> str:
    settings = [  # a composed value would be too long to read
        one_line(name if isinstance(value, (dict, list)) else f"{name} = {value}", LONG)
        for name, value in event.options.items()
    ]
    changes = f" with {', '.join(settings)}" if settings else ""
    return f"Resumed{changes}{', to plan again what remains' if event.replan else ''}"


def reason(word: str) -> str:
    """Why a run paused, as words."""
    return one_line(word.replace("_", " "))


def _checked(event: e.AnswerChecked) -> str:
    what = f"{reason(event.flag)}: {_long('; '.join(event.problems))}" if event.flag else "it holds"
    return f"{what} ({duration(event.duration_ms)})"


def _used(event: e.TaskCompleted | e.TaskFailed, simulated: bool) -> str:
    cost = money(event.total_cost_usd, simulated=simulated)
    return f"{cost}, {duration(event.total_duration_ms)}"


def _planned(event: e.PlanCreated) -> str:
    made = "Plan given by the user" if event.origin == "user" else "Plan created"
    again = f" (attempt {event.attempt + 1})" if event.attempt else ""
    done = [f"{n} ({one_line(event.plan.steps[n].title)})" for n in event.kept]
    kept = f"; finished before, not done again: {', '.join(done)}" if done else ""
    return f"{made}: {count(len(event.plan.steps), 'step')}{again}{_long(kept)}"


def _passed(event: e.ValidationPassed) -> str:
    passed = f"Validation passed: {count(event.checks_passed, 'check')}"
    warnings = _long(problems_text(event.warnings))
    return f"{passed}; worth a look: {warnings}" if event.warnings else passed


def _refused(event: e.ValidationFailed) -> str:
    problems = count(len(event.errors), "problem")
    return f"Plan refused, {problems}: {_long(problems_text(event.errors))}"


def _fell_back(event: e.ModelFellBack) -> str:
    gone, successor = one_line(event.model), one_line(event.successor)
    return f"The API has no model {gone} any more: going on with {successor}"


def _retried(event: e.AgentRetried) -> str:
    then = "gives up for now"
    if event.wait_s >= 120:
        then = f"waits until {when(event.timestamp + event.wait_s, '%H:%M')}"
    elif event.wait_s:
        then = f"asks again in {event.wait_s:.1f} s"
    bought = f" ({money(event.cost_usd)} spent)" if event.cost_usd else ""
    return f"{caller(event.key)}: {reason(event.kind)}, {then}: {_long(event.message)}{bought}"


def _reply(reply: AgentReply) -> str:
    cost = "cost unknown" if reply.cost_usd is None else money(reply.cost_usd)
    cost = f"about {cost}" if reply.estimated else cost
    if reply.error:
        why = f"{reason(reply.error.kind)}: {_long(reply.error.message)}"
        return f"gave no answer: {why} ({cost})" if reply.estimated else f"gave no answer: {why}"
    tokens = f"{count(reply.usage.total, 'token')}, " if reply.usage else ""
    label = " simulated" if reply.simulated else ""
    return f"replied: {tokens}{cost}{label}, {duration(reply.duration_ms)}"


def _left_running(reply: AgentReply) -> str:
    if not reply.left_running:
        return ""
    return f"; what it had left running was ended: {_long(', '.join(reply.left_running))}"


def _started(event: e.StepStarted) -> str:
    again = f", try {event.try_number + 1}" if event.try_number else ""
    voted = "" if event.strategy == "none" else f", {event.strategy}"
    started = f"{place(event.step, event.iteration)} started: {one_line(event.title)}"
    return _with_detail(f"{started} ({event.effect}{voted}{again})", event.note)


def _completed(event: e.StepCompleted, simulated: bool) -> str:
    title = f"{place(event.step, event.iteration)} completed: {one_line(event.title)}"
    if event.voting_summary.total_samples == 0:
        why = event.output.get("reason", "") if isinstance(event.output, dict) else ""
        return _with_detail(f"{title} ({one_line(event.voting_summary.note)})", one_line(str(why)))
    cost = money(event.cost_usd, simulated=simulated)
    chosen = voting(msgspec.structs.replace(event.voting_summary, note=""))
    used = f"{chosen}; {cost}, {duration(event.duration_ms)}"
    return f"{title} ({used})"


def _vote(event: e.VoteCompleted) -> str:
    against = " to ".join(str(len(answer.samples)) for answer in event.answers[:5]) or "none"
    asked = count(event.samples, "sample") + f", {event.red_flagged} flagged"
    if event.winner is None:
        return f"undecided, {against} ({asked})"
    if event.chosen_by != "votes":
        return f"undecided, {against}; {CHOSEN_BY[event.chosen_by]} ({asked})"
    agreed = agreement(event.compared, event.differing, event.reordered)
    how = f"margin {event.margin}, decided by sample {event.decided_by} ({asked})"
    return f"{against}, {how}" + (f"; {agreed}" if agreed else "")


def agreement(compared: Sequence[str], differing: Sequence[str], reordered: Sequence[str]) -> str:
    """What the winner's votes agree on, where they do not agree on everything."""
    parts = []
    if differing:
        verb = "differs" if len(differing) == 1 else "differ"
        parts = [f"agree on {', '.join(compared) or 'all of it'}", f"{', '.join(differing)} {verb}"]
    if reordered:
        parts.append(f"in different orders: {', '.join(reordered)}")
    return _long("; ".join(parts))


def _long(text: str) -> str:
    return one_line(text, LONG)


def _with_detail(text: str, detail: str) -> str:
    return f"{text}: {_long(detail)}" if detail else text
