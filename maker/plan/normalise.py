"""Adapts a plan to its run where there is only one thing that can be meant. Pure, lossless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from maker.core.effects import find_spec, is_mcp, offered_name
from maker.core.models import CONDITIONAL_SCHEMA, Plan, PlanStep, ToolSpec
from maker.plan.plan_view import is_conditional


def normalise(plan: Plan, tools: Sequence[ToolSpec]) -> tuple[Plan, list[str]]:
    """The plan with tools in their known spelling and what goes without saying filled in.

    The notes name each change that a reader of the plan would otherwise wonder about.
    """
    notes: list[str] = []
    steps: list[PlanStep] = []
    for step in plan.steps:
        changes: dict[str, Any] = {}
        for field in ("primary_tools", "fallback_tools"):
            named = [_tool(tool, tools) for tool in getattr(step, field)]
            if named != getattr(step, field):
                changes[field] = named
                notes.append(f"step {step.step}: {field} read as {', '.join(named)}")
        if not step.output_variable:
            changes["output_variable"] = f"step_{step.step}_output"
        if is_conditional(step) and not step.output_schema.strip():
            changes["output_schema"] = CONDITIONAL_SCHEMA
        steps.append(msgspec.structs.replace(step, **changes) if changes else step)
    return msgspec.structs.replace(plan, steps=steps), notes


def _tool(name: str, tools: Sequence[ToolSpec]) -> str:
    """The tool as the CLI spells it; the known one that differs only in case, if just one does."""
    if is_mcp(name):
        name = offered_name(name)
    if find_spec(name, tools) is not None:
        return name
    same = [spec.name for spec in tools if spec.name.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else name
