"""One field of a step: from what stands in a reply to a value of the declared type. Pure.

Converts only where nothing is lost and nothing is guessed; everything else is `WrongField`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from maker.core.models import Effect, Repeat
from maker.plan.type_names import usual
from maker.schema.schema import spelled


class WrongField(Exception):
    """The value is not of the type; the message says which one was expected."""


_LARGEST = 2**31
_MOST_ITEMS = 1_000


class Converted(NamedTuple):
    """A value of the right type, and what had to be done to it (empty: nothing)."""

    value: Any
    note: str = ""


def whole_number(value: Any) -> Converted:
    """An int; also one in quotes, or a float without a fraction."""
    match value:
        case bool():
            raise WrongField("a whole number")
        case int() if abs(value) < _LARGEST:
            return Converted(value)
        case float() if value.is_integer() and abs(value) < _LARGEST:
            return Converted(int(value), f"{value} read as {int(value)}")
        case str() if re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", value):
            return Converted(int(value), f"{value!r} read as {int(value)}")
        case _:
            raise WrongField("a whole number")


def text(value: Any) -> Converted:
    """A string."""
    if not isinstance(value, str):
        raise WrongField("a text")
    return Converted(value)


def name(value: Any) -> Converted:
    """A string without space around it."""
    return Converted(text(value).value.strip())


def word(value: Any) -> Converted:
    """A name that can hold no space, without the comment that may stand behind it."""
    plain = name(value).value
    bare = re.split(r"\s+#", plain)[0]
    return Converted(bare, f"{plain} read as {bare}" if bare != plain else "")


def variable(value: Any) -> Converted:
    """A dotted name, without the braces or dollar sign of a template language around it."""
    plain = word(value).value
    bare = re.sub(r"^\$?\{{1,2}\s*(.*?)\s*\}{1,2}$|^`(.*)`$", r"\1\2", plain)
    return Converted(bare, f"{plain} read as {bare}" if bare != plain else "")


def task_type(value: Any) -> Converted:
    """A name, in lower case and whole; whether there is such a type is for a check of its own."""
    plain = word(value).value
    lower = plain.lower()
    meant = {"action": "action_step", "conditional": "conditional_step"}.get(lower, lower)
    return Converted(meant, f"{plain} read as {meant}" if meant != plain else "")


def one_of(*words: str) -> Callable[[Any], Converted]:
    """One of these words, whatever its case."""

    def convert(value: Any) -> Converted:
        chosen = word(value).value.lower() if isinstance(value, str) else ""
        if chosen not in words:
            raise WrongField(f"one of {', '.join(words)}")
        return Converted(chosen, f"{value!r} read as {chosen}" if chosen != value else "")

    return convert


def list_of(item: Callable[[Any], Converted]) -> Callable[[Any], Converted]:
    """A list; a lone value is a list of one, and names with commas between them are several."""

    def convert(value: Any) -> Converted:
        notes = []
        if isinstance(value, str):
            value = [part.strip() for part in value.strip().strip("[]").split(",") if part.strip()]
            notes.append(f"read as the list {value}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = [value]
            notes.append(f"read as the list {value}")
        if not isinstance(value, list) or len(value) > _MOST_ITEMS:
            raise WrongField(f"a list of at most {_MOST_ITEMS} items")
        converted = [_item(item, each) for each in value]
        notes += [each.note for each in converted if each.note]
        return Converted([each.value for each in converted], "; ".join(notes))

    return convert


def commands(value: Any) -> Converted:
    """A list of commands; a lone text is one command, whatever it holds."""
    if not isinstance(value, str):
        return list_of(name)(value)
    return Converted([value.strip()], "read as a list of one command")


def _item(item: Callable[[Any], Converted], value: Any) -> Converted:
    try:
        return item(value)
    except WrongField as error:
        raise WrongField(f"a list with {error} in each place") from None


def schema(value: Any) -> Converted:
    """A schema's text; a mapping or list that was written without quotes is spelled out."""
    if isinstance(value, dict | list):
        try:
            written = spelled(value)
        except RecursionError:
            raise WrongField("a schema") from None
        return Converted(usual(written), f"the mapping read as {usual(written)}")
    plain = name(value).value
    bare = usual(re.sub(r"(?<=[}\]?])\s+#[^\"'{}\[\]]*$", "", plain))
    return Converted(bare, f"{plain} read as {bare}" if bare != plain else "")


def repeat(value: Any) -> Converted:
    """`until` and `max_iterations`, perhaps `on_exhausted`: a plan that is read goes on."""
    expected = "{until: <bool field>, max_iterations: <number>, on_exhausted: continue|fail}"
    names = {"until", "max_iterations", "on_exhausted"}
    if not isinstance(value, dict) or set(value) | {"on_exhausted"} != names:
        raise WrongField(expected)
    try:
        until, limit = variable(value["until"]), whole_number(value["max_iterations"])
        end = one_of("continue", "fail")(value.get("on_exhausted") or "continue")
    except WrongField:
        raise WrongField(expected) from None
    notes = "; ".join(part.note for part in (until, limit, end) if part.note)
    made = Repeat(until=until.value, max_iterations=limit.value, on_exhausted=end.value)
    return Converted(made, notes)


def targets(value: Any) -> Converted:
    """A list of steps to choose from, or a mapping from each value of an input to its step."""
    if not isinstance(value, dict):
        return list_of(whole_number)(value)
    if len(value) > _MOST_ITEMS:
        raise WrongField(f"a mapping of at most {_MOST_ITEMS} values")
    numbers: dict[str, Converted] = {}
    for key, number in value.items():
        word = str(key).lower() if isinstance(key, bool) else name(str(key)).value
        numbers[word] = _item(whole_number, number)
    notes = "; ".join(number.note for number in numbers.values() if number.note)
    return Converted({key: number.value for key, number in numbers.items()}, notes)


CONVERT: dict[str, Callable[[Any], Converted]] = {
    "step": whole_number,
    "task_type": task_type,
    "title": name,
    "task_description": text,
    "primary_tools": list_of(name),
    "fallback_tools": list_of(name),
    "primary_tool_instructions": text,
    "fallback_tool_instructions": text,
    "input_variables": list_of(variable),
    "output_variable": word,
    "output_schema": schema,
    "next_step_sequence_number": whole_number,
    "vote_on": list_of(variable),
    "targets": targets,
    "for_each": variable,
    "on_item_error": one_of("fail", "skip"),
    "repeat": repeat,
    "model": word,
    "effect": one_of(*get_args(Effect)),
    "accept": commands,
}
"""How each field of a step is read."""

REQUIRED = ("step", "task_type", "title", "task_description")

TEXT_FIELDS = frozenset(
    {
        *("reasoning", "task_type", "title", "task_description", "primary_tool_instructions"),
        *("fallback_tool_instructions", "output_variable", "output_schema", "for_each"),
        *("on_item_error", "until", "model", "effect"),
    }
)
"""The fields whose text is kept as it was written, whatever YAML would make of it."""
