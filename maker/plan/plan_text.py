"""A plan as YAML that people can read and edit, and that `parser.py` reads back unchanged."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from maker.core.models import Plan, PlanStep, Repeat

_ALWAYS = ("step", "task_type", "title", "task_description", "next_step_sequence_number")
_BLOCKS = ("task_description", "primary_tool_instructions", "fallback_tool_instructions")
_BLANK = PlanStep(step=0, task_type="", title="", task_description="")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./-]*[A-Za-z0-9_]|[A-Za-z]")
_TAKEN_FOR_OTHERS = frozenset({"true", "false", "null", "none", "yes", "no", "on", "off", "y", "n"})


def plan_to_yaml(plan: Plan) -> str:
    """The plan as YAML, free texts as `|` blocks, fields with their default left out."""
    lines = [_field("reasoning", plan.reasoning, "")]
    if plan.inputs:
        lines.append(_field("inputs", plan.inputs, ""))
    lines.append("plan:" if plan.steps else "plan: []")
    for step in plan.steps:
        first, *rest = [
            "vote_on: []" if name == "is_voted" else _field(name, value, "    ")
            for name, value in msgspec.structs.asdict(step).items()
            if name in _ALWAYS or value != getattr(_BLANK, name)
        ]
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _field(name: str, value: Any, indent: str) -> str:
    if name in ("reasoning", *_BLOCKS) and _fits_block(value):
        mark = "|" if value.endswith("\n") else "|-"
        inner = f"\n{indent}  "
        return f"{name}: {mark}{inner}{value.removesuffix(chr(10)).replace(chr(10), inner)}"
    return f"{name}: {_inline(value)}"


def _inline(value: Any) -> str:
    match value:
        case str():
            return value if _is_plain(value) else _quoted(value)
        case list():
            return f"[{', '.join(_inline(item) for item in value)}]"
        case dict():
            pairs = (f"{_inline(key)}: {_inline(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case Repeat():
            return _inline({name: getattr(value, name) for name in value.__struct_fields__})
        case _:
            return json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether no reader of YAML can take the bare text for anything but this string."""
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _TAKEN_FOR_OTHERS


def _quoted(text: str) -> str:
    """A string in double quotes, with everything invisible escaped."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char.isprintable() or char in "\n\t":
        return json.dumps(char, ensure_ascii=False)[1:-1]
    # A bare \b or \f is what a forgotten second backslash looks like, so they are never written.
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _fits_block(text: str) -> bool:
    """Whether a block holds the text exactly: what is at the edges of lines would be lost."""
    lines = text.removesuffix("\n").split("\n")
    if not lines[0].strip() or not lines[-1].strip() or lines[0] != lines[0].lstrip():
        return False
    return all(line.isprintable() and line == line.rstrip() for line in lines)
