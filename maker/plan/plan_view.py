"""A plan with what the checks ask of it worked out once: schemas, edges, what is before what.

Holds for any plan, however wrong: what cannot be worked out is simply absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from maker.core.branches import target_numbers
from maker.core.effects import resolve_effect
from maker.core.models import (
    CONDITIONAL_SCHEMA,
    CONTEXT,
    OWN_OUTPUT_DECIDES,
    PIPELINE_END,
    Effect,
    Plan,
    PlanStep,
    ToolSpec,
)
from maker.schema.schema import Fields, Schema, SchemaError, parse_schema

_OUTPUT = re.compile(r"step_(\d{1,9})_output((?:\.(?:[^\W\d][\w-]*|[0-9]{1,6}))*)")

_INPUT = re.compile(r"[^\W\d][\w-]*")


class OutputPath(NamedTuple):
    """`step_3_output.files.name`, taken apart."""

    step: int
    field: str


def is_conditional(step: PlanStep) -> bool:
    """Whether the step only decides where to go on."""
    return step.task_type == "conditional_step"


def output_path(variable: str) -> OutputPath | None:
    """The step and the dotted field that an input variable names; None for anything else."""
    match = _OUTPUT.fullmatch(variable)
    return OutputPath(int(match[1]), match[2].removeprefix(".")) if match else None


def told_characters(step: PlanStep) -> int:
    """How much text of its plan each agent of the step is told."""
    return sum(map(len, (*step.texts, step.output_schema)))


def reads_context(plan: Plan) -> bool:
    """Whether some step names the data that came with the instruction as an input."""
    return any(CONTEXT in step.input_variables for step in plan.steps)


def input_types(plan: Plan) -> Fields | SchemaError:
    """The types of what the plan must be given, or why they cannot be read."""
    fields = []
    for name, text in plan.inputs.items():
        if not _INPUT.fullmatch(name):
            return SchemaError(f"{name!r} is no name of an input", position=0)
        try:
            fields.append((name, parse_schema(text)))
        except SchemaError as error:
            return SchemaError(f"{name}: {error.message}", position=error.position)
    return Fields(tuple(fields))


class PlanView:
    """One plan and the run that it is for, as the checks see it."""

    def __init__(
        self,
        plan: Plan,
        tools: Sequence[ToolSpec],
        instruction: str,
        models: Sequence[str],
        *,
        has_context: bool,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.tools = tools
        self.instruction = instruction
        self.models = models
        self.has_context = has_context
        self.values = values
        self.by_number: dict[int, PlanStep] = {}
        for step in plan.steps:
            self.by_number.setdefault(step.step, step)

    @property
    def numbers(self) -> set[int]:
        """The numbers of the steps that exist."""
        return set(self.by_number)

    @property
    def first(self) -> int:
        """The number of the step that the run begins with."""
        return self.plan.steps[0].step if self.plan.steps else 0

    @cached_property
    def schemas(self) -> dict[int, Schema | SchemaError]:
        """What each step's output is declared to be, or why that cannot be read."""
        schemas: dict[int, Schema | SchemaError] = {}
        for number, step in self.by_number.items():
            text = step.output_schema.strip()
            if not text and is_conditional(step):
                text = CONDITIONAL_SCHEMA
            try:
                schemas[number] = parse_schema(text)
            except SchemaError as error:
                schemas[number] = error
        return schemas

    @cached_property
    def input_types(self) -> Fields | SchemaError:
        """What the plan must be given, or why that cannot be read."""
        return input_types(self.plan)

    @cached_property
    def effects(self) -> dict[int, Effect]:
        """What each step's tools may do."""
        return {
            number: resolve_effect([*step.primary_tools, *step.fallback_tools], self.tools)
            for number, step in self.by_number.items()
        }

    @cached_property
    def following(self) -> dict[int, set[int]]:
        """Where each step may lead to: steps that exist, and -1."""
        exist = self.numbers | {PIPELINE_END}
        following: dict[int, set[int]] = {}
        for number, step in self.by_number.items():
            if not is_conditional(step):
                targets = {step.next_step_sequence_number} - {OWN_OUTPUT_DECIDES}
            elif (numbers := target_numbers(step)) is not None:
                targets = set(numbers)
            else:
                targets = {later for later in self.by_number if later > step.step} | {PIPELINE_END}
            following[number] = targets & exist
        return following

    @cached_property
    def _after(self) -> dict[int, set[int]]:
        """What can be reached from each step, by one move or more."""
        after: dict[int, set[int]] = {}
        for number in self.by_number:
            seen: set[int] = set()
            todo = set(self.following[number])
            while todo:
                current = todo.pop()
                seen.add(current)
                todo |= self.following.get(current, set()) - seen
            after[number] = seen
        return after

    @cached_property
    def before(self) -> dict[int, set[int]]:
        """The steps that are before each step on some path."""
        return {n: {m for m, after in self._after.items() if n in after} for n in self.by_number}

    def can_end(self, number: int) -> bool:
        """Whether some way leads from the step to the end."""
        return PIPELINE_END in self._after[number]
