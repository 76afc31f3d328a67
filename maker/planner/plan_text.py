"""A plan as YAML that people can read and edit, and that `parser.py` reads back unchanged."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from maker.core.models import Plan, PlanStep

_ALWAYS = ("step", "task_type", "title", "task_description", "next_step_sequence_number")
_BLANK = PlanStep(step=0, task_type="", title="", task_description="")
_IN_LINE = (
    "primary_tools",
    "fallback_tools",
    "input_variables",
    "vote_on",
    "targets",
    "repeat",
)
_BLOCKS = ("task_description", "primary_tool_instructions", "fallback_tool_instructions")


class _Flow(list[Any]):
    """A list that is written on one line."""


class _FlowMap(dict[str, Any]):
    """A mapping that is written on one line."""


class _Block(str):
    """A text that is written as a `|` block."""


class _Dumper(yaml.SafeDumper):
    """Writes lists on one line and texts as blocks; never anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _flow(dumper: _Dumper, value: _Flow) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


def _flow_map(dumper: _Dumper, value: _FlowMap) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    style = "|" if isinstance(value, _Block) else _style(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _style(value: str) -> str | None:
    """Plain only for what no reader of YAML can take for anything but this string."""
    return None if re.fullmatch(r"[A-Za-z_][\w ./-]*[\w.]", value) else '"'


_Dumper.add_representer(_Flow, _flow)
_Dumper.add_representer(_FlowMap, _flow_map)
_Dumper.add_representer(_Block, _text)
_Dumper.add_representer(str, _text)


def plan_to_yaml(plan: Plan) -> str:
    """The plan as YAML, free texts as `|` blocks, fields with their default left out."""
    shown = {
        "reasoning": _block(plan.reasoning),
        "plan": [_shown(step) for step in plan.steps],
    }
    return yaml.dump(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _shown(step: PlanStep) -> dict[str, Any]:
    fields = msgspec.structs.asdict(step).items()
    return {
        name: _spelled(name, value)
        for name, value in fields
        if name in _ALWAYS or value != getattr(_BLANK, name)
    }


def _spelled(name: str, value: Any) -> Any:
    if name == "repeat" and value is not None:
        return _FlowMap(msgspec.to_builtins(value))
    if name in _IN_LINE and isinstance(value, list):
        return _Flow(value)
    return _block(value) if name in _BLOCKS else value


def _block(text: str) -> str:
    """A block where YAML can hold the text in one exactly, otherwise a quoted string."""
    fits = bool(text.strip()) and text.removesuffix("\n") == text.strip()
    printable = all(char == "\n" or char.isprintable() for char in text)
    trailing = any(line != line.rstrip() for line in text.split("\n"))
    return _Block(text) if fits and printable and not trailing else text
