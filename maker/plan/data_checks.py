"""Checks of what steps hand to one another: schemas, inputs, loops, what is voted on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from maker.core.models import CONTEXT, INPUTS, OWN_OUTPUT_DECIDES, PlanStep
from maker.plan.findings import Finding, found
from maker.plan.literals import literals, lost
from maker.plan.plan_view import (
    PlanView,
    is_conditional,
    output_path,
    reads_context,
)
from maker.schema.fields import is_prose, type_at
from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
    SchemaError,
    problems,
)

MOST_ITERATIONS = 1_100_000
"""A little over the moves of 20 disks."""

_ITEM = re.compile(r"item((?:\.(?:[^\W\d][\w-]*|[0-9]{1,6}))*)")
_ANY = Primitive("any")


def schema(view: PlanView) -> Iterator[Finding]:
    """Outputs are mappings whose form can be read."""
    for number, kind in view.schemas.items():
        step = view.by_number[number]
        if not step.output_schema.strip() and not is_conditional(step):
            yield found(step, "output_schema is empty", field="output_schema")
        elif isinstance(kind, SchemaError):
            yield found(step, kind.message, field="output_schema")
        elif not isinstance(kind, Fields) or not kind.fields:
            message = "output_schema is not a mapping with at least one field"
            yield found(step, message, field="output_schema")
        elif is_conditional(step) and kind.field("next_step") != Primitive("int"):
            message = "a conditional step's output_schema does not declare next_step: int"
            yield found(step, message, field="output_schema")


def inputs(view: PlanView) -> Iterator[Finding]:
    """Inputs are there when they are needed."""
    declared = view.input_types
    if isinstance(declared, SchemaError):
        message = f"the inputs of the plan cannot be read: {declared.message}"
        yield Finding(message=message, quote="inputs:")
    elif view.values is not None:
        for problem in problems(declared, dict(view.values)):
            message = f"of the inputs that the plan was given, {problem}"
            yield Finding(message=message, quote="inputs:")
    for step in view.plan.steps:
        for variable in step.input_variables:
            if variable.partition(".")[0] == "item":
                message = _bad_item(view, step, variable)
            else:
                message = _bad_output(view, step, variable)
            if message:
                yield found(step, message, field="input_variables")


def _bad_item(view: PlanView, step: PlanStep, variable: str) -> str:
    if step.for_each is None:
        return f"{variable} is there only in a for_each step"
    match = _ITEM.fullmatch(variable)
    if match is None:
        return f"{variable!r} is not a variable"
    items = list_type(view, step)
    if items is None or type_at(items.item, match[1].removeprefix(".")) is not None:
        return ""
    return f"the items of {step.for_each} have no field {match[1].removeprefix('.')!r}"


def _bad_output(view: PlanView, step: PlanStep, variable: str) -> str:
    """Why the variable cannot be read by the step; empty where it can, or another check says it."""
    path = output_path(variable)
    if variable.partition(".")[0] == INPUTS:
        return "" if declared_type(view, variable) else f"the plan declares no input {variable!r}"
    if variable == CONTEXT and view.has_context:
        return ""
    if variable == CONTEXT:
        return "context: nothing was given with the instruction that it could stand for"
    if path is None and variable.startswith(f"{CONTEXT}."):
        return f"{variable}: context is one text without fields"
    if path is None:
        return f"{variable!r} is not a variable such as step_0_output.name"
    if path.step not in view.numbers:
        return f"{variable}: there is no step {path.step}"
    if path.step not in view.before[step.step]:
        where = "this step itself" if path.step == step.step else "no step before this one"
        return f"{variable}: step {path.step} is {where} on any path"
    declared = output_type(view, path.step)
    if declared is None or type_at(declared, path.field) is not None:
        return ""
    kind = view.schemas[path.step]
    names = [name for name, _ in kind.fields] if isinstance(kind, Fields) else []
    first = path.field.partition(".")[0]
    near = difflib.get_close_matches(first, names, n=1)
    hint = f"; did you mean {near[0]}?" if near and near[0] != first else ""
    only = f"only {', '.join(names)}{hint}"
    return f"{variable}: step {path.step} declares no field {path.field!r}, {only}"


def output_type(view: PlanView, number: int) -> Schema | None:
    """The type of a step's whole output, a list for a `for_each` step; None where unreadable."""
    kind = view.schemas[number]
    if isinstance(kind, SchemaError):
        return None
    return ListOf(kind) if view.by_number[number].for_each is not None else kind


def declared_type(view: PlanView, variable: str) -> Schema | None:
    """The type of an input variable; None where nothing readable is declared under its name."""
    head, _, rest = variable.partition(".")
    if head == INPUTS:
        kinds = view.input_types
        return type_at(kinds, rest) if rest and isinstance(kinds, Fields) else None
    path = output_path(variable)
    declared = output_type(view, path.step) if path and path.step in view.numbers else None
    return type_at(declared, path.field) if declared and path else None


def list_type(view: PlanView, step: PlanStep) -> ListOf | None:
    """The type of the list that a `for_each` step works on; None where it is no list."""
    kind = declared_type(view, step.for_each or "")
    kind = kind.inner if isinstance(kind, Maybe) else kind
    if kind == _ANY:
        return ListOf(_ANY)
    return kind if isinstance(kind, ListOf) else None


def for_each(view: PlanView) -> Iterator[Finding]:
    """A `for_each` step has a list to work on."""
    for step in view.plan.steps:
        if step.for_each is None:
            continue
        message = "" if is_conditional(step) else _bad_list(view, step, step.for_each)
        if message:
            yield found(step, message, field="for_each")
        if step.repeat is not None:
            yield found(step, "the step has both for_each and repeat", field="for_each")


def _bad_list(view: PlanView, step: PlanStep, variable: str) -> str:
    if variable == CONTEXT:
        return "context is one text; let a step make a list of it"
    message = _bad_output(view, step, variable)
    if message:
        return message
    path = output_path(variable)
    unreadable = path is not None and output_type(view, path.step) is None
    if unreadable or list_type(view, step) is not None:
        return ""
    return f"{variable} is not declared a list"


def repeat(view: PlanView) -> Iterator[Finding]:
    """A repeated step can end, and ends."""
    for step in view.plan.steps:
        if step.repeat is None:
            continue
        if not 1 <= step.repeat.max_iterations <= MOST_ITERATIONS:
            message = f"max_iterations is {step.repeat.max_iterations}, not 1 to {MOST_ITERATIONS}"
            yield found(step, message, field="repeat")
        kind = view.schemas[step.step]
        if not isinstance(kind, SchemaError) and type_at(kind, step.repeat.until) != _BOOL:
            message = f"{step.repeat.until!r} is no bool field of the step's own output_schema"
            yield found(step, message, field="repeat")


_BOOL = Primitive("bool")


def vote_on(view: PlanView) -> Iterator[Finding]:
    """What is compared is in the answer."""
    for step in view.plan.steps:
        kind = view.schemas[step.step]
        for path in step.vote_on:
            if is_conditional(step) and path != "next_step":
                message = f"of a conditional step only next_step is compared, not {path!r}"
                yield found(step, message, field="vote_on")
            elif not isinstance(kind, SchemaError) and not (path and type_at(kind, path)):
                message = f"{path!r} is no field of the step's own output_schema"
                yield found(step, message, field="vote_on")
        if isinstance(kind, SchemaError) or not step.vote_on:
            continue
        if all(is_prose(kind, path) for path in step.vote_on):
            names = ", ".join(step.vote_on)
            yield found(step, f"no two agents write {names} alike", field="vote_on")


def branches(view: PlanView) -> Iterator[Finding]:
    """Where the program decides, each value of what it decides by has its target."""
    for step in view.plan.steps:
        if not isinstance(step.targets, dict) or not is_conditional(step):
            continue
        if len(step.input_variables) != 1:
            message = f"the program decides by one input, and there are {len(step.input_variables)}"
            yield found(step, message, field="input_variables")
            continue
        variable = step.input_variables[0]
        words = _words_of_type(view, variable)
        if words is None:
            if not _bad_output(view, step, variable):
                message = f"{variable} is declared neither bool nor an enumeration"
                yield found(step, message, field="input_variables")
            continue
        for word in sorted(words - set(step.targets)):
            yield found(step, f"{variable} may be {word}, which has no target", field="targets")
        for word in sorted(set(step.targets) - words):
            yield found(step, f"{variable} is never {word!r}", field="targets")


def _words_of_type(view: PlanView, variable: str) -> set[str] | None:
    """All values that an input may have, as words; None where they cannot be listed."""
    match declared_type(view, variable):
        case Choice(words):
            return set(words)
        case Primitive("bool"):
            return {"true", "false"}
        case _:
            return None


def context(view: PlanView) -> Iterator[Finding]:
    """Data that came along is used."""
    if view.has_context and not reads_context(view.plan):
        yield Finding(message="no step reads the context that came with the instruction")


def used_outputs(view: PlanView) -> Iterator[Finding]:
    """What is found out is used."""
    steps = view.plan.steps
    variables = [name for step in steps for name in [*step.input_variables, step.for_each or ""]]
    used = {path.step for path in map(output_path, variables) if path is not None}
    for step in view.plan.steps:
        only_looks = not (step.primary_tools or step.fallback_tools or is_conditional(step))
        only_looks = only_looks or view.effects[step.step] in ("read", "web")
        goes_on = step.next_step_sequence_number not in (-1, OWN_OUTPUT_DECIDES)
        if only_looks and goes_on and step.step not in used:
            yield found(step, "no later step reads this output, and it changes nothing")


def fidelity(view: PlanView) -> Iterator[Finding]:
    """What the instruction says word for word reaches a step."""
    texts: list[str] = []
    for step in view.plan.steps:
        limit = str(step.repeat.max_iterations) if step.repeat else ""
        texts += [*step.texts, step.output_schema, limit]
    for literal in lost(literals(view.instruction), "\n".join(texts)):
        yield Finding(message=f"no step mentions {literal!r} from the instruction")
