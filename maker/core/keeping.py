"""Which finished steps keep their outcome under a new plan: what was done is not done again. Pure.

A step is kept where its definition is the same and its inputs come from steps that are kept, too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from maker.core.inputs import source_of
from maker.core.models import OWN_OUTPUT_DECIDES, PIPELINE_END, Plan, PlanStep
from maker.core.state import FinishedStep, RunState


def finished_steps(state: RunState) -> dict[int, FinishedStep]:
    """The last completion of each step number, under this plan or one before it."""
    finished: dict[int, FinishedStep] = dict(state.finished_steps)
    outputs = state.execution.outputs
    for outcome in state.execution.outcomes:
        if outcome.status == "completed":
            step = state.step(outcome.step)
            inputs = {n: outputs[n] for n in _sources(step) if n in outputs}
            finished[step.step] = FinishedStep(step, outcome, inputs)
    return finished


def kept_steps(state: RunState, plan: Plan) -> list[int]:
    """The steps of the plan that need not be done, because they were finished just so."""
    finished, kept = finished_steps(state), dict[int, Any]()
    reachable: set[int] | None = {0}  # by what is kept so far; None: anything may be reached
    for step in plan.steps:
        before = finished.get(step.step)
        is_kept = (
            before is not None
            and _definition(before.step) == _definition(step)
            and _inputs_are(before, step, kept, reachable)
        )
        if is_kept and before is not None:
            kept[step.step] = before.outcome.output
        if reachable is not None and step.step in reachable:
            following = step.next_step_sequence_number
            if following != OWN_OUTPUT_DECIDES:
                reachable = reachable | {following}
            elif step.step in kept:
                reachable = reachable | {kept[step.step]["next_step"]}
            else:
                reachable = None  # which branch is taken is yet to be decided
    return list(kept)


def _definition(step: PlanStep) -> PlanStep:
    """What the outcome of a step depends on: not its title, nor what comes after it."""
    if step.next_step_sequence_number == OWN_OUTPUT_DECIDES:
        return msgspec.structs.replace(step, title="")
    return msgspec.structs.replace(step, title="", next_step_sequence_number=PIPELINE_END)


def _sources(step: PlanStep) -> set[int]:
    """The steps whose outputs the step reads."""
    sources = {source_of(path) for path in [*step.input_variables, step.for_each or ""]}
    return {number for number in sources if number is not None}


def _inputs_are(
    before: FinishedStep, step: PlanStep, kept: dict[int, Any], reachable: set[int] | None
) -> bool:
    """Whether the step would be given what it was given before."""
    for source in _sources(step):
        if source in before.inputs:
            if source not in kept or kept[source] != before.inputs[source]:
                return False
        elif reachable is None or source in reachable:
            return False  # it was skipped then, and might not be now
    return True
