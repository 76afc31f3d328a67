"""The executor's next moves as a pure function of the state: live, resumed and replayed alike."""

from __future__ import annotations

from collections.abc import Iterator

from maker.core import events as e
from maker.core import keys
from maker.core.branches import word_of
from maker.core.effects import has_effects
from maker.core.inputs import for_each_list, item_label, variable
from maker.core.models import CallKey, PlanStep, VoteResult, VotingSummary
from maker.core.moves import Ask, Do, Emit, Move, Pause
from maker.core.policy import ALIKE, STEP_ENDS, may_try_again
from maker.core.state import Lane, RunState, is_over
from maker.steps import context, results, undecided
from maker.steps.red_flags import Ballot
from maker.steps.voting import Tally, chosen
from maker.steps.workings import OpenTry, Workings

CANNOT = "cannot be done"
ONE_AFTER_ANOTHER = 4
"""The rules from which items with effects are."""


def moves(state: RunState, workings: Workings | None = None) -> Iterator[Move]:
    """What can be done next: at most one move for each open lane.

    `workings`, kept from call to call, save work and change nothing.
    """
    workings = workings or Workings()
    if state.status != "running" or state.phase not in ("validated", "executing"):
        return
    if state.execution.failed_step is not None:
        yield Emit(results.after_failure(state))
        return
    if is_over(state):
        yield Emit(results.task_completed(state))
        return
    step = state.step(state.execution.cursor)
    if isinstance(step.targets, dict):
        yield Emit(_decided(state, step, step.targets))
    elif step.for_each:
        yield from _for_each_moves(state, step, workings)
    else:
        yield _lane_move(state, step, state.execution.pass_number, workings)


def _decided(
    state: RunState, step: PlanStep, targets: dict[str, int]
) -> e.StepCompleted | e.StepFailed:
    """The branch that follows from the value of an input, without an agent."""
    name = step.input_variables[0]
    value = variable(state, name)
    target = targets.get(word_of(value))
    reason = f"{name} is {item_label(value)}"
    if target is None:
        return _step_failed(state, step, 0, f"{reason}, for which the plan has no target")
    return e.StepCompleted(
        step=step.step,
        title=step.title,
        output={"next_step": target, "reason": reason},
        voting_summary=VotingSummary(
            strategy="none",
            total_samples=0,
            red_flagged=0,
            winning_votes=0,
            note="decided by the program",
        ),
        cost_usd=0.0,
        duration_ms=0,
    )


def _for_each_moves(state: RunState, step: PlanStep, workings: Workings) -> Iterator[Move]:
    loop = state.execution.loop
    if loop is None:
        items = for_each_list(state, step)
        if isinstance(items, str):
            yield Emit(_step_failed(state, step, 0, items))
        else:
            yield Emit(e.ForEachStarted(step=step.step, title=step.title, items=len(items)))
        return
    # Two agents that change one folder at once see each other's half-done work.
    is_alone = state.rules >= ONE_AFTER_ANOTHER and has_effects(context.effect_of(state, step))
    at_once = 1 if is_alone else state.settings.samples_at_once
    going_on = 0
    for lane in state.execution.lanes.values():
        if is_alone and going_on and not lane.started:
            continue
        move = _lane_move(state, step, lane.iteration, workings)
        going_on += not isinstance(move, Pause)
        yield move
    if going_on < at_once and loop.next_item < loop.items:
        yield _lane_move(state, step, loop.next_item, workings)


def _lane_move(state: RunState, step: PlanStep, iteration: int, workings: Workings) -> Move:
    lane = state.execution.lanes.get((step.step, iteration))
    if lane is None or not lane.started:
        return _between_tries(state, step, iteration, lane)
    if lane.ambiguous and state.settings.on_ambiguous != "retry":
        return _ambiguous(state, step, lane)
    current = workings.of(state, lane)
    count, ballots = current.count(), current.ballots
    for sample in range(count.counted):
        if ballots[sample].flag and sample not in lane.flagged:
            return Emit(_red_flag(lane, sample, ballots[sample]))
    result = _result(state, lane, count)
    if result is None:
        return current.due() or Ask(_open_keys(lane, count.launched))
    if count.is_undecided and result.winner is None:
        return Pause("undecided", undecided.words(state, lane, current))
    if lane.strategy != "none" and lane.vote is None:
        return Emit(_vote_completed(lane, result, current))
    if result.winner is None:
        return Emit(_try_failed(lane, current))
    changes = lane.replies[result.winner].changes
    if changes is not None and changes.entries and lane.applied is None:
        key = keys.sample_key(lane.step, lane.iteration, lane.try_number, result.winner)
        return Do(key, changes)
    return Emit(_step_completed(step, lane, current, result))


def _result(state: RunState, lane: Lane, count: Tally) -> VoteResult | None:
    """How the vote ended; an undecided one by what was chosen. None while it is open."""
    standing = count.standing
    if standing.winner is not None:
        return standing
    if lane.vote is not None and lane.vote.winner is not None:
        return chosen(standing, lane.vote.winner, lane.vote.chosen_by)
    if lane.chosen is not None and any(lane.chosen in each.samples for each in standing.answers):
        return chosen(standing, lane.chosen, "user")
    if count.is_undecided and state.settings.undecided == "plurality":
        return chosen(standing, standing.answers[0].samples[0], "plurality")
    return count.result


def _between_tries(state: RunState, step: PlanStep, iteration: int, lane: Lane | None) -> Move:
    if step.repeat and iteration - state.execution.first_pass >= step.repeat.max_iterations:
        error = f"{step.repeat.until} did not become true in {iteration} passes"
        return Emit(_step_failed(state, step, iteration, error))
    if lane and lane.failures and (lane.final or not may_try_again(state, lane)):
        return Emit(_step_failed(state, step, iteration, lane.failures[-1], lane.end))
    oversize = context.too_large(state, step, iteration)
    if oversize:
        return Emit(_step_failed(state, step, iteration, oversize))
    return Emit(
        _step_started(
            state, step, iteration, lane.try_number + 1 if lane else state.execution.tries_begin
        )
    )


def _step_started(state: RunState, step: PlanStep, iteration: int, number: int) -> e.StepStarted:
    effect = context.effect_of(state, step)
    strategy, note = context.strategy_config(state.settings, step, effect)
    return e.StepStarted(
        step=step.step,
        title=step.title,
        iteration=iteration,
        try_number=number,
        effect=effect,
        strategy=strategy,
        model=step.model or state.settings.model,
        note=note,
    )


def _ambiguous(state: RunState, step: PlanStep, lane: Lane) -> Move:
    detail = (
        f"step {step.step} ({step.title}) may have had effects ({lane.effect}) before the run "
        "stopped; nobody knows its outcome"
    )
    if state.settings.on_ambiguous == "fail":
        return Emit(_step_failed(state, step, lane.iteration, detail))
    return Pause("ambiguous", detail)


def _open_keys(lane: Lane, launched: int) -> tuple[CallKey, ...]:
    return tuple(
        keys.sample_key(lane.step, lane.iteration, lane.try_number, sample)
        for sample in range(launched)
        if sample not in lane.replies
    )


def _red_flag(lane: Lane, sample: int, ballot: Ballot) -> e.SampleRedFlagged:
    return e.SampleRedFlagged(
        step=lane.step,
        iteration=lane.iteration,
        try_number=lane.try_number,
        sample=sample,
        reason=ballot.flag,
        detail=ballot.detail,
        end=ballot.end,
        verdict=ballot.verdict,
        notes=list(ballot.notes),
    )


def _vote_completed(lane: Lane, result: VoteResult, current: OpenTry) -> e.VoteCompleted:
    differing, reordered = current.differences(result)
    return e.VoteCompleted(
        step=lane.step,
        iteration=lane.iteration,
        try_number=lane.try_number,
        strategy=lane.strategy,
        answers=result.answers,
        winner=result.winner,
        margin=result.margin,
        decided_by=result.decided_by,
        samples=current.count().counted,
        red_flagged=len(result.flagged),
        chosen_by=result.chosen_by,
        compared=list(current.contract.vote_on),
        differing=differing,
        reordered=reordered,
        readings=current.readings(),
    )


def _try_failed(lane: Lane, current: OpenTry) -> e.TryFailed:
    count = current.count()
    assert count.result is not None
    cannot = len(count.result.cannot) >= current.strategy.quorum
    samples = count.result.cannot if cannot else count.result.flagged
    ballots = [current.ballots[sample] for sample in samples]
    whys = [b.detail if cannot else f"{b.flag}: {b.detail}" for b in ballots]
    why = "; ".join([*dict.fromkeys(whys)][:3])
    error = f"{count.result.reason} ({why})" if why else count.result.reason
    error = f"{CANNOT}: {why}" if cannot else error
    futile = [end for end in STEP_ENDS if lane.ends[end] >= ALIKE]
    advice = " ".join(STEP_ENDS[end] for end in futile)
    return e.TryFailed(
        step=lane.step,
        iteration=lane.iteration,
        try_number=lane.try_number,
        error=f"{error}. {advice}" if advice else error,
        duration_ms=_duration_ms(lane, count),
        final=cannot or bool(advice),
        end="cannot" if cannot else "",
    )


def _duration_ms(lane: Lane, count: Tally) -> int:
    """Samples of a round run at once, rounds one after another."""
    return sum(max(lane.replies[s].duration_ms for s in samples) for samples in count.rounds)


def _step_completed(
    step: PlanStep, lane: Lane, current: OpenTry, result: VoteResult
) -> e.StepCompleted:
    count, ballots = current.count(), current.ballots
    assert result.winner is not None
    winners = next(each.samples for each in result.answers if result.winner in each.samples)
    return e.StepCompleted(
        step=lane.step,
        title=step.title,
        output=ballots[result.winner].output,
        voting_summary=VotingSummary(
            strategy=lane.strategy,
            total_samples=count.counted,
            red_flagged=len(result.flagged),
            winning_votes=len(winners),
            margin=result.margin,
            note=lane.note,
            chosen_by=result.chosen_by,
        ),
        cost_usd=round(lane.cost_usd, 9),
        duration_ms=lane.duration_ms + _duration_ms(lane, count),
        iteration=lane.iteration,
        try_number=lane.try_number,
        tokens=lane.tokens,
        verdict=ballots[result.winner].verdict,
        notes=list(ballots[result.winner].notes),
    )


def _step_failed(
    state: RunState, step: PlanStep, iteration: int, error: str, end: str = ""
) -> e.StepFailed:
    lane = state.execution.lanes.get((step.step, iteration))
    return e.StepFailed(
        step=step.step,
        title=step.title,
        error=error,
        iteration=iteration,
        cost_usd=round(lane.cost_usd, 9) if lane else 0.0,
        duration_ms=lane.duration_ms if lane else 0,
        end=end,
    )
