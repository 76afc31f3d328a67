"""Reads a plan that a user wrote, and says what is wrong with it, each problem at its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from maker.cli.view.render import count
from maker.core.models import Plan, Problem, ToolSpec, Value
from maker.core.text import one_line
from maker.errors import ConfigError
from maker.plan.checks import check_plan
from maker.plan.parser import parse_plan_file
from maker.plan.plan_view import reads_context

_STEP_LINE = re.compile(r"[\s{\[]*(?:-\s+)?[\"']?step[\"']?\s*:\s*[\"']?(\d{1,9})")
_LINE_NUMBER = re.compile(r"\bline (\d{1,9})\b")


class Examined(Value, frozen=True, kw_only=True):
    """What came of a plan's text: the plan where it can run, and what there is to say about it."""

    plan: Plan | None
    problems: list[Problem]
    warnings: list[Problem]
    notes: list[str]
    checks_passed: int = 0


def examine(
    text: str,
    *,
    tools: Sequence[ToolSpec],
    instruction: str = "",
    models: Sequence[str] = (),
    has_context: bool | None = None,
    values: Mapping[str, Any] | None = None,
) -> Examined:
    """Parse the text and run every check on the plan; a context that is not known may be there."""
    parsed = parse_plan_file(text, tools)
    if parsed.plan is None:
        return Examined(plan=None, problems=parsed.problems, warnings=[], notes=parsed.notes)
    checked = check_plan(
        parsed.plan,
        tools=tools,
        instruction=instruction,
        models=models,
        has_context=reads_context(parsed.plan) if has_context is None else has_context,
        values=values,
    )
    return Examined(
        plan=None if checked.errors else parsed.plan,
        problems=checked.errors,
        warnings=checked.warnings,
        notes=parsed.notes,
        checks_passed=checked.checks_passed,
    )


def accepted(examined: Examined, text: str, source: str) -> Plan:
    """The plan, or a ConfigError that tells every problem at its line."""
    if examined.plan is not None:
        return examined.plan
    found = count(len(examined.problems), "problem")
    listed = "\n".join(problem_lines(examined.problems, text))
    raise ConfigError(f"the plan in {source} cannot be run: {found}\n{listed}", field="plan")


def problem_lines(problems: Sequence[Problem], text: str) -> list[str]:
    """Each problem on a line that begins with its place, and below how to mend it."""
    lines: list[str] = []
    placed = [(line_of(problem, text), problem) for problem in problems]
    for number, problem in sorted(placed, key=lambda pair: pair[0]):
        where = [f"line {number}"] if number else []
        if problem.step is not None:
            where.append(f"step {problem.step}")
        place = ", ".join(where) or "the plan"
        message = problem.message.replace(f": line {number}: ", ": ", 1)
        lines.append(f"  {place}: {one_line(message, 300)} ({problem.check})")
        if problem.fix:
            lines.append(f"      {one_line(problem.fix, 300)}")
    return lines


def line_of(problem: Problem, text: str) -> int:
    """The number of the line that the problem is about, counted from 1; 0 where it is unknown."""
    named = _LINE_NUMBER.search(problem.message)
    if named:
        return int(named[1])
    lines = text.splitlines()
    start, end = _region(lines, problem.step)
    field = problem.quote.partition(":")[0].strip().strip("\"'{-[ ")
    if field:
        key = re.compile(rf"(?:^|[\s{{,-])[\"']?{re.escape(field)}[\"']?\s*:")
        for number in range(start, end):
            if key.search(lines[number]):
                return number + 1
    return start + 1 if problem.step is not None and start < end else 0


def _region(lines: Sequence[str], step: int | None) -> tuple[int, int]:
    """The lines of a step, from its number to the next one's; all lines where it is not found."""
    if step is None:
        return 0, len(lines)
    starts = [(i, int(m[1])) for i, line in enumerate(lines) if (m := _STEP_LINE.match(line))]
    for place, (start, number) in enumerate(starts):
        if number == step:
            return start, starts[place + 1][0] if place + 1 < len(starts) else len(lines)
    return 0, 0
