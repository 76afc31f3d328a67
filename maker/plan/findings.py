"""What one check has found, before it becomes a Problem with the check's name and advice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from maker.core.models import PlanStep, Value
from maker.core.text import one_line
from maker.plan.plan_view import PlanView


class Finding(Value, frozen=True, kw_only=True):
    """One thing wrong: in which step, and the field (as in the plan's text) that says it."""

    message: str
    step: int | None = None
    quote: str = ""


Finder = Callable[[PlanView], Iterator[Finding]]
"""Looks at a plan for one kind of defect; never raises."""

_LONGEST_QUOTE = 200


def found(step: PlanStep, message: str, *, field: str = "") -> Finding:
    """A finding about a step, quoting the field that is wrong."""
    return Finding(message=message, step=step.step, quote=quote(step, field) if field else "")


def quote(step: PlanStep, field: str) -> str:
    """The field as a line of the plan."""
    value = getattr(step, field)
    text = f"{field}: {value if isinstance(value, str) else _flow(value)}"
    return one_line(text, _LONGEST_QUOTE)


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, int | None):
        return json.dumps(value)
    return str(value)
