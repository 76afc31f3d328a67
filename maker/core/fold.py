"""The fold: how each event changes the state of its run.

`apply` is total, deterministic and the only thing that changes a `RunState`. It keeps what the
next move needs and drops the rest, so that a run of a million steps fits in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from maker.core import events as e
from maker.core import keys, spending, stepping
from maker.core.keeping import finished_steps
from maker.core.models import TaskConfig
from maker.core.policy import LONGEST_WAIT_S
from maker.core.resuming import plan_again, resume
from maker.core.state import Execution, RunState, answered, changed


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
            state.submitted, state.config, state.rules = event, event.config, event.rules
        case e.AgentReplied():
            spending.count_reply(state, event)
            stepping.take_sample(state, event)
        case e.AgentRetried():
            spending.count_retry(state, event)
            if event.wait_s > LONGEST_WAIT_S:  # which is no working time
                state.waits_until = max(state.waits_until, event.timestamp + event.wait_s)
        case e.PlanCreated():
            _start_over(state, event)
        case e.PlannerDeclined():
            state.planning.question = event.question
        case e.ValidationPassed():
            _begin_plan(state, event)
        case e.ValidationFailed():
            _reject_plan(state, event)
        case e.PlanApproved():
            state.execution.approved = [*state.execution.approved, *event.grants]
        case e.ForEachStarted():
            stepping.open_for_each(state, event)
        case e.StepStarted():
            stepping.start_try(state, event)
        case e.AnswerChecked():
            stepping.take_check(state, event)
        case e.ChangesApplied():
            stepping.take_changes(state, event)
        case e.SampleRedFlagged():
            stepping.flag_sample(state, event)
        case e.VoteCompleted():
            stepping.count_vote(state, event)
        case e.AnswerChosen():
            stepping.choose_answer(state, event)
        case e.TryFailed():
            stepping.end_try(state, event)
        case e.StepCompleted():
            stepping.complete_step(state, event)
        case e.StepFailed():
            stepping.fail_step(state, event)
        case e.PlanAbandoned():
            state.replans += 1
            plan_again(state, event.reason)
        case e.TaskCompleted():
            words = event.census.words if event.census else ""
            state.finished, state.status, state.reason = event, "completed", words
        case e.TaskFailed():
            state.finished, state.status, state.reason = event, "failed", event.error
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
            if event.question == state.planning.question and event.answer:
                _go_on_planning(state)
        case _:
            assert_never(event)
    return state


def _keep_time(state: RunState, event: e.Event) -> None:
    match event:  # the user may have been waited for until now, which is no working time
        case e.RunResumed() | e.PlanApproved() | e.QuestionAnswered():
            ends_a_wait = True
        case e.PlanCreated():
            ends_a_wait = event.origin == "user"
        case e.RunPaused():
            ends_a_wait = event.reason == "approval" or state.phase == "validated"
        case _:
            ends_a_wait = False
    if isinstance(event, e.TaskSubmitted):
        state.started_at = event.timestamp
    elif state.status == "running" and not ends_a_wait:
        waited = max(0.0, min(event.timestamp, state.waits_until) - state.updated_at)
        state.active_s += max(0.0, event.timestamp - state.updated_at - waited)
    state.updated_at = event.timestamp


def _start_over(state: RunState, event: e.PlanCreated) -> None:
    """A new plan begins at its first step; its tries are numbered on, so that no key is reused."""
    before = state.execution
    state.planning.question = ""
    if event.origin == "user" and before.planned:
        state.planning.attempt += 1  # what was judged about the plan before is not about this one
    state.finished_steps = finished_steps(state)
    replaced = [o for o in before.outcomes if o.status == "completed" and o.step not in event.kept]
    state.earlier += replaced
    state.execution = Execution(
        planned=event,
        kept={number: state.finished_steps[number].outcome for number in event.kept},
        tries_begin=state.highest_try + 1,
    )
    state.phase = "planned"
    if state.costliest:
        state.costliest = {None: max(state.costliest.values())}


def _go_on_planning(state: RunState) -> None:
    """The planner has its answer, and is asked anew with it."""
    state.planning.question = ""
    state.planning.attempt += 1
    state.told = answered(state)


def _begin_plan(state: RunState, event: e.ValidationPassed) -> None:
    execution = state.execution
    execution.passed, state.phase = event, "validated"
    state.planning.problems = []
    if execution.cursor in execution.kept:
        stepping.finish(state, execution.kept[execution.cursor])


def _reject_plan(state: RunState, event: e.ValidationFailed) -> None:
    planning, planned = state.planning, state.execution.planned
    reply = planning.replies.get(keys.plan_key(planning.attempt))
    planning.rejected_text = reply.text if reply and not reply.error else ""
    planning.problems = event.errors
    is_users = state.phase == "planned" and planned and planned.origin == "user"
    state.phase = "refused" if is_users else "rejected"
    state.told = answered(state)
    planning.ends.update([event.end] if event.end else ())
    planning.attempt += 1
    planning.rejections += 1


def _with_successor(config: TaskConfig, event: e.ModelFellBack) -> TaskConfig:
    swap = {
        name: event.successor
        for name in ("model", "planner_model")
        if getattr(config, name) == event.model
    }
    return changed(config, swap)
