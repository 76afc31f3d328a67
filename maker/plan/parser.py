"""The planner's reply, or a plan written by hand, to a `Plan`. Pure; never an exception.

Finding the mapping in the text is the loader's; whether the plan makes sense is the checks'.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from msgspec import field

from maker.core.models import OWN_OUTPUT_DECIDES, Plan, PlanStep, Problem, ToolSpec, Value
from maker.core.text import one_line
from maker.plan.check_table import FIELDS, PARSE
from maker.plan.fields import (
    CONVERT,
    REQUIRED,
    TEXT_FIELDS,
    WrongField,
)
from maker.plan.normalise import normalise
from maker.reading.loaded import Loaded
from maker.reading.plans import load_file, load_mapping
from maker.schema.schema import spelled

_LONGEST_QUOTE = 160
_FILE_FIX = (
    "Quote a text that holds ': ' or ' #', or write it as a `|` block; anchors, aliases and tags "
    "are refused."
)
_STEP_LINE = re.compile(r"[\s{\[]*(?:-\s+)?[\"']?step[\"']?\s*:")
_MOST_PROBLEMS = 40
_MOST_NOTES = 100
_MOST_FIELDS = 60
_NONE = frozenset({"", "null", "none", "~"})


class Parsed(Value, frozen=True, kw_only=True):
    """A plan, or everything that keeps the text from being one; `notes` say what was adapted."""

    plan: Plan | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def parse_plan(text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
    """The plan in a planner's reply, names adapted to the known tools. Never raises."""
    return _parsed(text, load_mapping(text, TEXT_FIELDS), tools)


def parse_plan_file(text: str, tools: Sequence[ToolSpec] = ()) -> Parsed:
    """The same for a text that a person wrote, which is YAML or JSON and nothing else."""
    return _parsed(text, load_file(text, TEXT_FIELDS), tools, _FILE_FIX)


def _parsed(text: str, loaded: Loaded, tools: Sequence[ToolSpec], fix: str = PARSE.fix) -> Parsed:
    if loaded.verdict == "unreadable":
        quote = quote_of(text, loaded.error)
        return _refused(f"no plan could be read: {loaded.error}", quote, fix)
    if loaded.verdict == "repaired":
        guessed = "; ".join(loaded.notes) or loaded.error
        return _refused(f"the plan could only be read by guessing: {guessed}")
    return _Reader(text, tools, list(loaded.notes)).read(loaded.value)


def _refused(message: str, quote: str = "", fix: str = PARSE.fix) -> Parsed:
    problem = Problem(check=PARSE.name, message=message, fix=fix, quote=quote)
    return Parsed(problems=[problem])


class _Reader:
    """Collects problems and notes while the parts of one plan are read."""

    def __init__(self, text: str, tools: Sequence[ToolSpec], notes: list[str]) -> None:
        self.lines = text.splitlines()
        self.starts = [n for n, line in enumerate(self.lines) if _STEP_LINE.match(line)]
        self.tools = tools
        self.notes = notes
        self.problems: list[Problem] = []

    def read(self, value: Any) -> Parsed:
        if not isinstance(value, dict):
            return _refused("the reply is not a mapping with reasoning and plan")
        value = self._unwrapped(value)
        listed = [name for name in ("plan", "steps") if isinstance(value.get(name), list)]
        if len(listed) != 1:
            return _refused(_no_list(value, listed))
        reasoning = value.get("reasoning")
        if not isinstance(reasoning, str | None):
            self._wrong(None, "reasoning", "reasoning is not a text")
        self._note_unknown(value, {"reasoning", "inputs", listed[0]}, "the plan")
        inputs = self._inputs(value.get("inputs") or {})
        steps = self._steps(value[listed[0]])
        if self.problems:
            return Parsed(problems=self.problems[:_MOST_PROBLEMS], notes=self.notes[:_MOST_NOTES])
        plan, adapted = normalise(
            Plan(reasoning=reasoning or "", steps=steps, inputs=inputs), self.tools
        )
        return Parsed(plan=plan, notes=[*self.notes, *adapted][:_MOST_NOTES])

    def _inputs(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict) or len(value) > _MOST_FIELDS:
            self._wrong(None, "inputs", "inputs is no mapping from names to types")
            return {}
        return {str(name): spelled(kind) for name, kind in value.items()}

    def _steps(self, entries: list[Any]) -> list[PlanStep]:
        steps = []
        for place, entry in enumerate(entries):
            step = self._step(place, entry)
            if step is not None:
                steps.append(step)
            if len(self.problems) >= _MOST_PROBLEMS:
                break
        return steps

    def _unwrapped(self, value: dict[str, Any]) -> dict[str, Any]:
        """`{plan: {reasoning, steps}}` is read as its inside."""
        inside = value.get("plan")
        if isinstance(inside, dict) and ("steps" in inside or "plan" in inside):
            self.notes.append("the plan stood inside `plan`")
            outside = {name: item for name, item in value.items() if name != "plan"}
            return {**outside, **inside}
        return value

    def _step(self, place: int, entry: Any) -> PlanStep | None:
        if not isinstance(entry, dict):
            self._wrong(place, "step", f"the step at place {place} is not a mapping")
            return None
        fields = self._named(place, entry)
        read = {name: self._field(place, name, value) for name, value in fields.items()}
        for name in REQUIRED:
            if name not in fields:
                self._wrong(place, name, f"{name} is missing")
        if "next_step_sequence_number" not in fields:
            self._no_next_step(place, read)
        if read.get("vote_on") == []:
            read["is_voted"] = False
        return None if self.problems else PlanStep(**read)

    def _no_next_step(self, place: int, read: dict[str, Any]) -> None:
        """Only for a conditional step is there but one possible value."""
        if read.get("task_type") == "conditional_step":
            read["next_step_sequence_number"] = OWN_OUTPUT_DECIDES
            self.notes.append(f"step {place}: next_step_sequence_number was missing, read as -2")
        else:
            name = "next_step_sequence_number"
            self._wrong(place, name, f"{name} is missing")

    def _named(self, place: int, entry: dict[Any, Any]) -> dict[str, Any]:
        """The fields by their right names; empty ones are as good as absent."""
        named: dict[str, Any] = {}
        if len(entry) > _MOST_FIELDS:
            self._wrong(place, "step", f"the step at place {place} has {len(entry)} fields")
            return named
        for key, value in entry.items():
            name = _BY_LETTERS.get(_letters(key))
            if name is None:
                self._unknown(place, one_line(str(key), 60), set(entry))
            elif name in named:
                self._wrong(place, name, f"{name} stands there twice")
            elif value is not None and not _is_none(name, value):
                named[name] = value
                if name != key:
                    self.notes.append(f"step {place}: {one_line(str(key), 60)} read as {name}")
        return named

    def _unknown(self, place: int, key: str, keys: set[Any]) -> None:
        """An unknown field is left out, unless it looks like a misspelled one."""
        near = difflib.get_close_matches(key, [name for name in CONVERT if name not in keys], n=1)
        if near:
            message = f"there is no field {key!r}; did you mean {near[0]}?"
            self._wrong(place, key, message)
        else:
            self.notes.append(f"step {place}: there is no field {key!r}; it was left out")

    def _field(self, place: int, name: str, value: Any) -> Any:
        try:
            converted = CONVERT[name](value)
        except WrongField as error:
            self._wrong(place, name, f"{name} is not {error}")
            return None
        if converted.note:
            self.notes.append(f"step {place}: {name}: {one_line(converted.note, 200)}")
        return converted.value

    def _wrong(self, place: int | None, name: str, message: str) -> None:
        quote = self._line_of(place, name)
        problem = Problem(
            check=FIELDS.name, message=message, step=place, fix=FIELDS.fix, quote=quote
        )
        self.problems.append(problem)

    def _line_of(self, place: int | None, name: str) -> str:
        """The line of the text that gives the field, found by looking; empty if it is not seen."""
        lines = self.lines
        if place is not None:
            if place >= len(self.starts):
                return ""
            start, end = [*self.starts, len(lines)][place : place + 2]
            lines = lines[start:end]
        field = re.compile(rf"(?:^|[\s{{,-])[\"']?{re.escape(name)}[\"']?\s*:")
        for line in lines:
            found = field.search(line)
            if found:
                return _cut(line[found.start() :])
        return ""

    def _note_unknown(self, value: dict[str, Any], known: set[str], where: str) -> None:
        for key in value:
            if key not in known:
                shown = one_line(str(key), 60)
                self.notes.append(f"{where}: there is no field {shown!r}; it was left out")


def _no_list(value: dict[str, Any], listed: list[str]) -> str:
    if listed:
        return "there is both a list `plan` and a list `steps`; write only `plan`"
    names = one_line(", ".join(map(str, value)), 100)
    return f"there is no list `plan` of steps, only: {names or 'nothing'}"


def _letters(key: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


_BY_LETTERS = {_letters(name): name for name in CONVERT}


def _is_none(name: str, value: Any) -> bool:
    """Optional names are often given as empty or as the word null."""
    if name not in ("for_each", "model", "effect", "on_item_error", "repeat", "targets"):
        return False
    bare = re.sub(r"(?:^|\s)#.*", "", value) if isinstance(value, str) else None
    return (bare is not None and bare.strip().lower() in _NONE) or value == {}


def quote_of(text: str, error: str) -> str:
    """The line that an error message names by its number."""
    found = re.search(r"\bline (\d{1,9})\b", error)
    lines = text.splitlines()
    number = int(found[1]) if found else 0
    return _cut(lines[number - 1]) if 1 <= number <= len(lines) else ""


def _cut(line: str) -> str:
    return one_line(line, _LONGEST_QUOTE)
