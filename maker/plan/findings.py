"""What one check has found, before it becomes a Problem with the check's name and advice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

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
    if isinstance(value, list):
        text = f"[{', '.join(map(str, value))}]"
    elif isinstance(value, int | None):
        text = json.dumps(value)
    else:
        text = str(value)
    return one_line(f"{field}: {text}", _LONGEST_QUOTE)
