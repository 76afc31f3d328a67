"""Checks of how steps follow one another: every step is reached, and every way ends."""

from __future__ import annotations

from collections.abc import Iterator

from maker.core.branches import target_numbers
from maker.core.models import PIPELINE_END
from maker.plan.findings import Finding, found
from maker.plan.plan_view import PlanView, is_conditional

MOST_STEPS = 200


def step_count(view: PlanView) -> Iterator[Finding]:
    """A plan has steps, and not a flood of them."""
    count = len(view.plan.steps)
    if count == 0:
        yield Finding(message="the plan has no steps")
    elif count > MOST_STEPS:
        yield Finding(message=f"the plan has {count} steps, more than {MOST_STEPS}")


def next_exists(view: PlanView) -> Iterator[Finding]:
    """An action step leads to a step or to the end."""
    for step in view.plan.steps:
        following = step.next_step_sequence_number
        if not is_conditional(step) and following not in view.numbers and following >= 0:
            yield found(step, f"there is no step {following}", field="next_step_sequence_number")
        elif not is_conditional(step) and following < -2:
            message = f"{following} is neither a step nor -1"
            yield found(step, message, field="next_step_sequence_number")


def targets(view: PlanView) -> Iterator[Finding]:
    """A conditional step can only choose what exists."""
    for step in filter(is_conditional, view.plan.steps):
        numbers = target_numbers(step)
        if numbers is None:
            continue
        if not numbers:
            yield found(step, "targets is empty, so nothing can follow", field="targets")
        for target in sorted(set(numbers)):
            if target != PIPELINE_END and target not in view.numbers:
                yield found(step, f"there is no step {target}", field="targets")
        if isinstance(step.targets, list) and len(set(numbers)) < len(numbers):
            yield found(step, "a target is listed twice", field="targets")


def forward(view: PlanView) -> Iterator[Finding]:
    """The run never goes back."""
    for step in view.plan.steps:
        field = "targets" if is_conditional(step) else "next_step_sequence_number"
        for following in view.following[step.step]:
            if PIPELINE_END < following <= step.step:
                where = "itself" if following == step.step else f"step {following} before it"
                yield found(step, f"leads back to {where}", field=field)


def reachable(view: PlanView) -> Iterator[Finding]:
    """No step is written for nothing."""
    for step in view.plan.steps:
        if step.step != view.first and view.first not in view.before[step.step]:
            yield found(step, f"no way leads from step {view.first} to this step")


def ends(view: PlanView) -> Iterator[Finding]:
    """Every way comes to an end."""
    for step in view.plan.steps:
        if not view.can_end(step.step):
            yield found(step, "no way leads from this step to the end (-1)")


def final_output(view: PlanView) -> Iterator[Finding]:
    """The run ends with an answer: an action step's output."""
    steps = view.plan.steps
    if steps and not any(
        step.next_step_sequence_number == PIPELINE_END and not is_conditional(step)
        for step in steps
    ):
        yield found(steps[-1], "no action step ends the run, so it would have no answer")
