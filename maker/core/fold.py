"""The fold: how each event changes the state of its run.

`apply` is total, deterministic and the only thing that changes a `RunState`. It keeps what the
next move needs and drops the rest, so that a run of a million steps fits in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.inputs import for_each_list, item_label
from maker.core.keeping import finished_steps
from maker.core.models import (
    OWN_OUTPUT_DECIDES,
    AgentReply,
    MissingItem,
    PlanStep,
    TaskConfig,
)
from maker.core.paths import look_up
from maker.core.resuming import resume
from maker.core.state import ForEach, Lane, RunState, StepOutcome, answered, changed


def fold(events: Iterable[e.Event]) -> RunState:
    """The state after these events, from nothing."""
    state = RunState()
    for event in events:
        apply(state, event)
    return state


def apply(state: RunState, event: e.Event) -> RunState:
    """Change the state by one event and return it."""
    _keep_time(state, event)
    match event:
        case e.TaskSubmitted():
            state.submitted, state.config = event, event.config
            state.rules = event.rules
        case e.AgentReplied() | e.AgentRetried():
            _count_call(state, event)
        case e.PlanCreated() | e.ValidationPassed() | e.ValidationFailed() | e.PlanApproved():
            _apply_planning(state, event)
        case e.ForEachStarted():
            _open_for_each(state, event)
        case e.StepStarted() | e.SampleRedFlagged() | e.VoteCompleted() | e.TryFailed():
            _apply_to_lane(state, event)
        case e.StepCompleted():
            _complete_step(state, event)
        case e.StepFailed():
            _fail_step(state, event)
        case e.TaskCompleted() | e.TaskFailed():
            state.finished = event
            state.status = "completed" if isinstance(event, e.TaskCompleted) else "failed"
            state.reason = _how_it_ended(event)
        case e.RunPaused():
            state.status, state.reason, state.detail = "paused", event.reason, event.detail
        case e.RunCancelled():
            state.status, state.reason, state.detail = "cancelled", "", event.detail
        case e.RunResumed():
            resume(state, event)
        case e.ModelFellBack():
            state.config = _with_successor(state.settings, event)
        case e.QuestionAnswered():
            state.answers[event.key, event.question] = event.answer
        case _:
            assert_never(event)
    return state


def _how_it_ended(event: e.TaskCompleted | e.TaskFailed) -> str:
    if isinstance(event, e.TaskFailed):
        return event.error
    return event.census.words if event.census else ""


def _keep_time(state: RunState, event: e.Event) -> None:
    if isinstance(event, e.TaskSubmitted):
        state.started_at = event.timestamp
    elif state.status == "running" and not _ends_a_wait(state, event):
        state.active_s += max(0.0, event.timestamp - state.updated_at)
    state.updated_at = event.timestamp


def _ends_a_wait(state: RunState, event: e.Event) -> bool:
    """Whether the user was waited for until now, which is no working time."""
    match event:
        case e.RunResumed() | e.PlanApproved() | e.QuestionAnswered():
            return True
        case e.PlanCreated():
            return event.origin == "user"
        case e.RunPaused():
            return event.reason == "approval" or state.phase == "validated"
        case _:
            return False


def _count_call(state: RunState, event: e.AgentReplied | e.AgentRetried) -> None:
    place = keys.sample_place(event.key)
    lane = state.lanes.get(place.lane) if place else None
    step = place.step if place else None
    if isinstance(event, e.AgentRetried):
        _note_cost(state, step, event.cost_usd)
        _add(state, cost_usd=event.cost_usd, tokens=event.tokens, retries=1)
        if lane:
            lane.cost_usd += event.cost_usd
            lane.tokens += event.tokens
        return
    reply = event.reply
    _note_cost(state, step, reply.cost_usd or 0.0)
    _count_reply(state, reply, is_sample=place is not None)
    if place is None:
        state.plan_replies[event.key] = reply
    elif lane and lane.started and lane.try_number == place.try_number:
        lane.replies[place.sample] = reply
        lane.cost_usd += reply.cost_usd or 0.0
        lane.tokens += reply.usage.total if reply.usage else 0


def _note_cost(state: RunState, step: int | None, cost_usd: float) -> None:
    """Keep the cost of the costliest call of each step, and of those about the plan (None)."""
    if cost_usd > state.costliest.get(step, 0.0):
        state.costliest[step] = cost_usd


def _count_reply(state: RunState, reply: AgentReply, *, is_sample: bool) -> None:
    """Add a reply to the totals; the time of samples is added when their try is over."""
    tokens = reply.usage.total if reply.usage else 0
    _add(
        state,
        cost_usd=reply.cost_usd or 0.0,
        tokens=tokens,
        samples=int(is_sample),
        duration_ms=0 if is_sample else reply.duration_ms,
        unpriced=int(reply.cost_usd is None),
    )
    if reply.usage is None:
        state.uncounted += 1
    else:
        state.largest_call_tokens = max(tokens, state.largest_call_tokens or 0)


def _add(state: RunState, **amounts: float) -> None:
    """Add to the totals; costs are rounded so that no sum depends on who was fast."""
    old = state.totals
    new = {name: getattr(old, name) + amount for name, amount in amounts.items()}
    if "cost_usd" in new:
        new["cost_usd"] = round(new["cost_usd"], 9)
    state.totals = msgspec.structs.replace(old, **new)


def _apply_planning(
    state: RunState,
    event: e.PlanCreated | e.ValidationPassed | e.ValidationFailed | e.PlanApproved,
) -> None:
    match event:
        case e.PlanCreated():
            if event.origin == "user" and state.planned:
                state.attempt += 1  # what was judged about the plan before is not about this one
            _start_over(state, event.kept)
            state.planned, state.passed, state.phase = event, None, "planned"
        case e.ValidationPassed():
            state.passed, state.phase = event, "validated"
            state.problems = []
            if state.cursor in state.kept:
                _finish(state, state.kept[state.cursor])
        case e.ValidationFailed():
            _reject_plan(state, event)
        case e.PlanApproved():
            state.approved = [*state.approved, *event.grants]


def _start_over(state: RunState, kept: list[int]) -> None:
    """A new plan begins at its first step; its tries are numbered on, so that no key is reused."""
    state.finished_steps = finished_steps(state)
    state.kept = {number: state.finished_steps[number].outcome for number in kept}
    replaced = [o for o in state.outcomes if o.status == "completed" and o.step not in kept]
    state.earlier += replaced
    state.outcomes, state.outputs, state.lanes, state.loop = [], {}, {}, None
    state.cursor, state.pass_number, state.first_pass, state.last_output = 0, 0, 0, None
    state.failed_step, state.approved = None, []
    if state.costliest:
        state.costliest = {None: max(state.costliest.values())}
    state.tries_begin = state.highest_try + 1


def _reject_plan(state: RunState, event: e.ValidationFailed) -> None:
    reply = state.plan_replies.get(keys.plan_key(state.attempt))
    state.rejected_text = reply.text if reply and not reply.error else ""
    state.problems = event.errors
    is_users = state.phase == "planned" and state.planned and state.planned.origin == "user"
    state.phase = "refused" if is_users else "rejected"
    state.told = answered(state)
    state.plan_ends.update([event.end] if event.end else ())
    state.attempt += 1
    state.rejections += 1


def _open_for_each(state: RunState, event: e.ForEachStarted) -> None:
    state.phase = "executing"
    items = for_each_list(state, state.step(event.step)) if state.plan else []
    values = items if isinstance(items, list) else []
    state.loop = ForEach(step=event.step, items=event.items, values=values)
    if event.items == 0:
        _finish(state, StepOutcome(event.step, event.title, "completed", []))


def _apply_to_lane(
    state: RunState, event: e.StepStarted | e.SampleRedFlagged | e.VoteCompleted | e.TryFailed
) -> None:
    key = (event.step, event.iteration)
    if isinstance(event, e.StepStarted):
        _start_try(state, event)
        return
    lane = state.lanes.get(key)
    if lane is None:
        return
    match event:
        case e.SampleRedFlagged():
            lane.flagged.add(event.sample)
            lane.ends.update([event.end] if event.end else ())
            _add(state, red_flagged=1)
        case e.VoteCompleted():
            lane.vote = event
        case e.TryFailed():
            lane.started, lane.final = False, event.final
            lane.duration_ms += event.duration_ms
            _add(state, duration_ms=event.duration_ms)
            lane.failures.append(event.error)


def _start_try(state: RunState, event: e.StepStarted) -> None:
    state.phase = "executing"
    lane = _opened_lane(state, event.step, event.iteration)
    state.highest_try = max(state.highest_try, event.try_number)
    lane.config, lane.started, lane.failed = state.settings, True, False
    lane.try_number, lane.effect, lane.note = event.try_number, event.effect, event.note
    lane.strategy = event.strategy
    lane.replies, lane.flagged = {}, set()
    lane.vote, lane.ambiguous = None, False


def _opened_lane(state: RunState, step: int, iteration: int) -> Lane:
    """The lane of this iteration; the item that a new one is for has had its turn."""
    lane = state.lanes.get((step, iteration))
    if lane is None:
        begin = state.tries_begin
        lane = Lane(step, iteration, state.settings, try_number=begin - 1, first_try=begin)
        state.lanes[step, iteration] = lane
        if state.loop:
            state.loop.next_item = max(state.loop.next_item, iteration + 1)
    return lane


def _complete_step(state: RunState, event: e.StepCompleted) -> None:
    lane = state.lanes.pop((event.step, event.iteration), None)
    failed_tries_ms = lane.duration_ms if lane else 0
    _add(state, duration_ms=event.duration_ms - failed_tries_ms)
    if state.plan is None:
        return
    step, repaired = state.step(event.step), int(event.verdict == "repaired")
    if state.loop and state.loop.step == event.step:
        state.loop.outputs[event.iteration] = event.output
        state.loop.repaired += repaired
        _end_for_each(state, step)
    elif step.repeat and look_up(event.output, step.repeat.until) is not True:
        state.last_output, state.pass_number = event.output, event.iteration + 1
    else:
        outcome = StepOutcome(step.step, step.title, "completed", event.output, repaired=repaired)
        _finish(state, outcome)


def _fail_step(state: RunState, event: e.StepFailed) -> None:
    lane = _opened_lane(state, event.step, event.iteration)
    state.phase = "executing"
    lane.started, lane.failed = False, True
    if state.loop and state.loop.step == event.step:
        state.loop.failed[event.iteration] = event.error
        _end_for_each(state, state.step(event.step))
    else:
        _record_failure(state, event.step, event.title, event.error)


def _record_failure(state: RunState, step: int, title: str, error: str) -> None:
    state.failed_step = step
    state.outcomes.append(StepOutcome(step, title, "failed", error=error))


def _end_for_each(state: RunState, step: PlanStep) -> None:
    loop = state.loop
    if loop is None or not loop.over:
        return
    output = [loop.outputs.get(i) for i in range(loop.items)]
    if loop.failed and step.on_item_error == "fail":
        named = ", ".join(f"item {i}: {loop.failed[i]}" for i in sorted(loop.failed)[:3])
        _record_failure(state, step.step, step.title, f"{len(loop.failed)} failed ({named})")
        state.outcomes[-1].output = output
        return
    missing = [
        MissingItem(step=step.step, iteration=i, label=_label(loop, i), error=loop.failed[i])
        for i in sorted(loop.failed)
    ]
    outcome = StepOutcome(step.step, step.title, "completed", output)
    outcome.items, outcome.missing, outcome.repaired = loop.items, missing, loop.repaired
    _finish(state, outcome)


def _label(loop: ForEach, iteration: int) -> str:
    return item_label(loop.values[iteration]) if iteration < len(loop.values) else ""


def _finish(state: RunState, outcome: StepOutcome) -> None:
    """The step is over: keep its output and move the cursor."""
    state.kept.pop(outcome.step, None)
    state.outputs[outcome.step] = outcome.output
    state.outcomes.append(outcome)
    for key in [key for key in state.lanes if key[0] == outcome.step]:
        del state.lanes[key]
    state.loop, state.pass_number, state.first_pass, state.last_output = None, 0, 0, None
    following = state.step(outcome.step).next_step_sequence_number
    decides = following == OWN_OUTPUT_DECIDES
    state.cursor = outcome.output["next_step"] if decides else following
    state.phase = "executing"
    if state.cursor in state.kept:
        _finish(state, state.kept[state.cursor])


def _with_successor(config: TaskConfig, event: e.ModelFellBack) -> TaskConfig:
    swap = {
        name: event.successor
        for name in ("model", "planner_model")
        if getattr(config, name) == event.model
    }
    return changed(config, swap)
