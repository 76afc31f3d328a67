"""Runs every deterministic check on a plan and reports all that is wrong at once. Pure.

What is checked stands in `check_table.py`; the optional judgement by an agent is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from maker.core.models import Plan, Problem, ToolSpec, Value
from maker.core.text import one_line
from maker.plan.check_table import CHECKS, FIELDS, Check
from maker.plan.findings import Finding
from maker.plan.flow_checks import MOST_STEPS, step_count
from maker.plan.plan_view import PlanView

MOST_PROBLEMS = 40
"""More than this helps nobody to write a better plan."""
LONGEST_MESSAGE = 500


class Checked(Value, frozen=True, kw_only=True):
    """What the checks say: errors stop a plan, warnings are worth reading."""

    errors: list[Problem]
    warnings: list[Problem]
    checks_passed: int

    @property
    def ok(self) -> bool:
        """Whether the plan can be run."""
        return not self.errors


def check_plan(
    plan: Plan,
    *,
    tools: Sequence[ToolSpec],
    instruction: str,
    models: Sequence[str] = (),
    has_context: bool = False,
    values: Mapping[str, Any] | None = None,
) -> Checked:
    """Every defect of the plan at once. Never raises, whatever the plan holds.

    `models` are those that a step may name; `has_context`: data came with the instruction;
    `values` are those of the plan's inputs, where they are known. Fields
    of wrong types end the check early, since nothing else can be said of such a plan.
    """
    problem = _wrong_type(plan)
    if problem is not None:
        return Checked(errors=[problem], warnings=[], checks_passed=0)
    view = PlanView(plan, tools, instruction, models, has_context=has_context, values=values)
    if len(plan.steps) > MOST_STEPS:
        check = next(check for check in CHECKS if check.name == "step-count")
        errors = [_problem(finding, check) for finding in step_count(view)]
        return Checked(errors=errors, warnings=[], checks_passed=0)
    by_check: dict[str, list[Problem]] = {}
    for check in CHECKS:
        findings = islice(check.find(view), MOST_PROBLEMS)
        by_check[check.name] = [_problem(finding, check) for finding in findings]
    return Checked(
        errors=_of("error", by_check),
        warnings=_of("warning", by_check),
        checks_passed=sum(not problems for problems in by_check.values()),
    )


def _of(severity: str, by_check: dict[str, list[Problem]]) -> list[Problem]:
    names = [check.name for check in CHECKS if check.severity == severity]
    return [problem for name in names for problem in by_check[name]][:MOST_PROBLEMS]


def _problem(finding: Finding, check: Check) -> Problem:
    return Problem(
        check=check.name,
        message=one_line(finding.message, LONGEST_MESSAGE),
        step=finding.step,
        fix=check.fix,
        quote=finding.quote,
    )


def _wrong_type(plan: Plan) -> Problem | None:
    """A plan built by a program may hold anything: Structs check types only when decoding."""
    try:
        msgspec.convert(msgspec.to_builtins(plan), Plan)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        message = one_line(f"not a plan: {error}", LONGEST_MESSAGE)
        return Problem(check=FIELDS.name, message=message, fix=FIELDS.fix)
    return None
