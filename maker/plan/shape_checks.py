"""Checks of what each step is by itself: its number, kind, names and tools."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from maker.core.effects import (
    STRENGTH,
    find_spec,
    is_mcp,
    offered_name,
)
from maker.core.models import MOST_TASK_CHARACTERS, OWN_OUTPUT_DECIDES
from maker.core.text import terminal_safe
from maker.plan.findings import Finding, found
from maker.plan.plan_view import PlanView, is_conditional, told_characters

MOST_COMMANDS, LONGEST_COMMAND = 10, 1_000
TASK_TYPES = ("action_step", "conditional_step")


def reasoning(view: PlanView) -> Iterator[Finding]:
    """The plan says how the work was divided."""
    if not view.plan.reasoning.strip():
        yield Finding(message="the plan has no reasoning", quote="reasoning:")


def step_numbers(view: PlanView) -> Iterator[Finding]:
    """Steps are numbered by their place."""
    for place, step in enumerate(view.plan.steps):
        if step.step != place:
            yield found(step, f"the step at place {place} has number {step.step}", field="step")


def text(view: PlanView) -> Iterator[Finding]:
    """Steps say what they are, in as many words as a prompt can hold."""
    for step in view.plan.steps:
        for field in ("title", "task_description"):
            if not getattr(step, field).strip():
                yield found(step, f"{field} is empty", field=field)
        if (size := told_characters(step)) > MOST_TASK_CHARACTERS:
            limit = f"more than the limit of {MOST_TASK_CHARACTERS:,}"
            yield found(step, f"its texts have {size:,} characters, {limit}", field="title")


def task_type(view: PlanView) -> Iterator[Finding]:
    """Only two kinds of step exist."""
    for step in view.plan.steps:
        if step.task_type not in TASK_TYPES:
            message = f"there is no task_type {step.task_type!r}"
            yield found(step, message, field="task_type")


def known_tools(view: PlanView) -> Iterator[Finding]:
    """Tools exist in this run."""
    names = [spec.name for spec in view.tools]
    listed = f"there are: {', '.join(names[:20])}" if names else "this run has no tools at all"
    for step in view.plan.steps:
        for field in ("primary_tools", "fallback_tools"):
            for tool in getattr(step, field):
                if find_spec(tool, view.tools) is None:
                    near = difflib.get_close_matches(tool, names, n=1)
                    hint = f"the nearest is {near[0]}" if near else listed
                    yield found(step, f"there is no tool {tool!r}; {hint}", field=field)
                elif is_mcp(tool) and tool != offered_name(tool):
                    message = f"the tool {tool!r} is offered as {offered_name(tool)}"
                    yield found(step, message, field=field)


def accept(view: PlanView) -> Iterator[Finding]:
    """Commands are few, and each is a line that a person can read before it is agreed to."""
    for step in view.plan.steps:
        if len(step.accept) > MOST_COMMANDS:
            yield found(step, f"accept has {len(step.accept)} commands", field="accept")
        for command in step.accept:
            if not command.strip() or len(command) > LONGEST_COMMAND:
                size = f"a command of {len(command):,} characters"
                yield found(
                    step, f"accept has {size}, not 1 to {LONGEST_COMMAND:,}", field="accept"
                )
            elif command != terminal_safe(command) or "\n" in command:
                yield found(step, "a command of accept is not one plain line", field="accept")


def disjoint_tools(view: PlanView) -> Iterator[Finding]:
    """A fallback is another tool."""
    for step in view.plan.steps:
        for tool in sorted(set(step.primary_tools) & set(step.fallback_tools)):
            message = f"{tool} is a primary tool and its own fallback"
            yield found(step, message, field="fallback_tools")
        for field in ("primary_tools", "fallback_tools"):
            times = Counter(getattr(step, field))
            for tool in sorted(tool for tool in times if times[tool] > 1):
                yield found(step, f"{tool} is listed twice", field=field)


def conditional(view: PlanView) -> Iterator[Finding]:
    """A conditional step only decides."""
    for step in filter(is_conditional, view.plan.steps):
        for field in _FORBIDDEN_IN_CONDITIONALS:
            if getattr(step, field):
                yield found(step, f"a conditional step has {field}", field=field)
        if not step.input_variables:
            message = "a conditional step without input_variables has nothing to decide by"
            yield found(step, message, field="input_variables")
        if step.next_step_sequence_number != OWN_OUTPUT_DECIDES:
            yield found(
                step,
                "a conditional step's next_step_sequence_number is not -2",
                field="next_step_sequence_number",
            )


_FORBIDDEN_IN_CONDITIONALS = (
    "primary_tools",
    "fallback_tools",
    "primary_tool_instructions",
    "fallback_tool_instructions",
    "for_each",
    "repeat",
)


def action_next(view: PlanView) -> Iterator[Finding]:
    """Only conditional steps decide where to go."""
    for step in view.plan.steps:
        if is_conditional(step):
            continue
        if step.next_step_sequence_number == OWN_OUTPUT_DECIDES:
            message = "an action step cannot have -2 as its next step"
            yield found(step, message, field="next_step_sequence_number")
        if step.targets is not None:
            yield found(step, "an action step has targets", field="targets")


def output_variable(view: PlanView) -> Iterator[Finding]:
    """Outputs are named after their step."""
    for step in view.plan.steps:
        expected = f"step_{step.step}_output"
        if step.output_variable != expected:
            message = f"output_variable is {step.output_variable!r}, not {expected}"
            yield found(step, message, field="output_variable")


def model(view: PlanView) -> Iterator[Finding]:
    """Models are among those that the user allowed."""
    for step in view.plan.steps:
        if step.model is not None and step.model not in view.models:
            allowed = ", ".join(view.models) or "no model by name; the run's own is used"
            yield found(step, f"the run allows {allowed}, not {step.model!r}", field="model")


def effect(view: PlanView) -> Iterator[Finding]:
    """A declared effect does not hide what the tools can do."""
    for step in view.plan.steps:
        real = view.effects[step.step]
        if step.effect is not None and STRENGTH.index(step.effect) < STRENGTH.index(real):
            message = f"the effect is declared {step.effect}, but the tools' effect is {real}"
            yield found(step, message, field="effect")
