"""How the events of steps change the state: tries, votes, items, passes, and what follows.

Part of the fold; the table of events is in `fold.py`.
"""

from __future__ import annotations

from collections import Counter

from maker.core import events as e
from maker.core import keys
from maker.core.inputs import for_each_list, item_label
from maker.core.models import OWN_OUTPUT_DECIDES, MissingItem, PlanStep
from maker.core.paths import look_up
from maker.core.spending import add
from maker.core.state import ForEach, Lane, RunState, StepOutcome


def open_for_each(state: RunState, event: e.ForEachStarted) -> None:
    """Keep the list, once; a step without items is over."""
    state.phase = "executing"
    items = for_each_list(state, state.step(event.step)) if state.plan else []
    values = items if isinstance(items, list) else []
    state.execution.loop = ForEach(step=event.step, items=event.items, values=values)
    if event.items == 0:
        finish(state, StepOutcome(event.step, event.title, "completed", []))


def start_try(state: RunState, event: e.StepStarted) -> None:
    """A new try of a lane: nothing of the one before counts."""
    state.phase = "executing"
    lane = _opened_lane(state, event.step, event.iteration)
    state.highest_try = max(state.highest_try, event.try_number)
    lane.config, lane.started = state.settings, True
    lane.try_number, lane.effect, lane.note = event.try_number, event.effect, event.note
    lane.strategy = event.strategy
    lane.replies, lane.flagged, lane.checks = {}, set(), {}
    lane.vote, lane.chosen, lane.applied, lane.ambiguous = None, None, None, False


def _opened_lane(state: RunState, step: int, iteration: int) -> Lane:
    """The lane of this iteration; the item that a new one is for has had its turn."""
    execution = state.execution
    lane = execution.lanes.get((step, iteration)) or execution.failed_lanes.pop(
        (step, iteration), None
    )
    if lane is None:
        begin = execution.tries_begin
        lane = Lane(step, iteration, state.settings, try_number=begin - 1, first_try=begin)
        if execution.loop:
            execution.loop.next_item = max(execution.loop.next_item, iteration + 1)
    execution.lanes[step, iteration] = lane
    return lane


def take_sample(state: RunState, event: e.AgentReplied) -> None:
    """Keep the reply where its try is open."""
    place = keys.sample_place(event.key)
    if place is None:
        state.planning.replies[event.key] = event.reply
        return
    lane, reply = _open_try(state, place), event.reply
    if lane:
        lane.replies[place.sample] = reply
        lane.cost_usd += reply.cost_usd or 0.0
        lane.tokens += reply.usage.total if reply.usage else 0


def take_check(state: RunState, event: e.AnswerChecked) -> None:
    """Keep the verdict where its try is open."""
    lane = _open_try(state, keys.sample_place(event.key))
    if lane:
        lane.checks[event.answer] = event


def take_changes(state: RunState, event: e.ChangesApplied) -> None:
    """What the winner has changed is in the folder."""
    lane = _open_try(state, keys.sample_place(event.key))
    if lane:
        lane.applied = event


def _open_try(state: RunState, place: keys.SamplePlace | None) -> Lane | None:
    """The lane of a sample, where the sample's try is the one that is open."""
    lane = state.execution.lanes.get(place.lane) if place else None
    is_open = place and lane and lane.started and lane.try_number == place.try_number
    return lane if is_open else None


def flag_sample(state: RunState, event: e.SampleRedFlagged) -> None:
    """The sample does not vote."""
    lane = state.execution.lanes.get((event.step, event.iteration))
    if lane:
        lane.flagged.add(event.sample)
        lane.ends.update([event.end] if event.end else ())
        add(state, red_flagged=1)


def count_vote(state: RunState, event: e.VoteCompleted) -> None:
    """The samples of the try were counted."""
    lane = state.execution.lanes.get((event.step, event.iteration))
    if lane:
        lane.vote = event


def choose_answer(state: RunState, event: e.AnswerChosen) -> None:
    """The user ended an undecided vote."""
    lane = state.execution.lanes.get((event.step, event.iteration))
    if lane and lane.try_number == event.try_number:
        lane.chosen = event.sample


def end_try(state: RunState, event: e.TryFailed) -> None:
    """The try is over without an answer."""
    lane = state.execution.lanes.get((event.step, event.iteration))
    if lane:
        lane.started, lane.final, lane.end = False, event.final, event.end
        lane.duration_ms += event.duration_ms
        lane.failures.append(event.error)
        add(state, duration_ms=event.duration_ms)


def complete_step(state: RunState, event: e.StepCompleted) -> None:
    """An item, a pass, or the whole step has its output."""
    execution = state.execution
    lane = execution.lanes.pop((event.step, event.iteration), None)
    add(state, duration_ms=event.duration_ms - (lane.duration_ms if lane else 0))
    if state.plan is None:
        return
    step = state.step(event.step)
    if event.verdict == "repaired":
        execution.marks["repaired"] += 1
    if event.voting_summary.chosen_by == "plurality":
        execution.marks["by_plurality"] += 1
    if execution.loop and execution.loop.step == event.step:
        execution.loop.outputs[event.iteration] = event.output
        _end_for_each(state, step)
    elif step.repeat and look_up(event.output, step.repeat.until) is not True:
        passes = event.iteration + 1 - execution.first_pass
        if passes >= step.repeat.max_iterations and step.repeat.on_exhausted == "continue":
            execution.marks["exhausted"] += 1
            finish(state, StepOutcome(step.step, step.title, "completed", event.output))
        else:
            execution.last_output, execution.pass_number = event.output, event.iteration + 1
    else:
        finish(state, StepOutcome(step.step, step.title, "completed", event.output))


def fail_step(state: RunState, event: e.StepFailed) -> None:
    """An item or the whole step has used up its tries."""
    lane, loop = _opened_lane(state, event.step, event.iteration), state.execution.loop
    state.phase = "executing"
    lane.started = False
    del state.execution.lanes[event.step, event.iteration]
    state.execution.failed_lanes[event.step, event.iteration] = lane
    if loop and loop.step == event.step:
        loop.failed[event.iteration] = event.error
        _end_for_each(state, state.step(event.step))
    else:
        outcome = StepOutcome(event.step, event.title, "failed", error=event.error, end=event.end)
        _record_failure(state, outcome)


def _record_failure(state: RunState, outcome: StepOutcome) -> None:
    state.execution.failed_step = outcome.step
    state.execution.outcomes.append(outcome)


def _end_for_each(state: RunState, step: PlanStep) -> None:
    loop = state.execution.loop
    if loop is None or not loop.over:
        return
    output = [loop.outputs.get(i) for i in range(loop.items)]
    failed = sorted(loop.failed)
    if failed and step.on_item_error == "fail":
        first = ", ".join(f"item {i}: {loop.failed[i]}" for i in failed[:3])
        error = f"{len(failed)} failed ({first})"
        _record_failure(state, StepOutcome(step.step, step.title, "failed", output, error))
        return
    labels = [item_label(loop.values[i]) if i < len(loop.values) else "" for i in failed]
    missing = [
        MissingItem(step=step.step, iteration=i, label=label, error=loop.failed[i])
        for i, label in zip(failed, labels, strict=True)
    ]
    outcome = StepOutcome(step.step, step.title, "completed", output)
    outcome.items, outcome.missing = loop.items, missing
    finish(state, outcome)


def finish(state: RunState, outcome: StepOutcome) -> None:
    """The step is over: keep its output and move the cursor, past every step that is kept."""
    execution = state.execution
    execution.kept.pop(outcome.step, None)
    outcome.marks += execution.marks
    execution.outputs[outcome.step] = outcome.output
    execution.outcomes.append(outcome)
    execution.lanes, execution.failed_lanes = {}, {}
    execution.loop, execution.last_output, execution.marks = None, None, Counter()
    execution.pass_number, execution.first_pass = 0, 0
    following = state.step(outcome.step).next_step_sequence_number
    decides = following == OWN_OUTPUT_DECIDES
    execution.cursor = outcome.output["next_step"] if decides else following
    state.phase = "executing"
    if execution.cursor in execution.kept:
        finish(state, execution.kept[execution.cursor])
