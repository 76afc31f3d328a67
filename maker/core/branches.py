"""Where a conditional step may lead, and where a value leads that needs no model to judge. Pure."""

from __future__ import annotations

from typing import Any

from maker.core.models import PlanStep


def target_numbers(step: PlanStep) -> list[int] | None:
    """The steps (or -1) that a conditional step names; None where it names none."""
    return [*step.targets.values()] if isinstance(step.targets, dict) else step.targets


def word_of(value: Any) -> str:
    """The value as a key of a step's `targets`; empty for one that none can stand for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
