"""Reads tests/corpus/plans: instructions, each with a good plan and some that must be caught."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from maker.core.models import Plan, PlanStep, ToolSpec
from maker.plan.checks import Checked, check_plan
from maker.plan.parser import parse_plan
from maker.tools.registry import ToolRegistry

CORPUS = Path(__file__).parent / "corpus" / "plans"


@dataclass
class Case:
    """One file of the corpus."""

    name: str
    kind: str = ""
    instruction: str = ""
    context: str = ""
    models: list[str] = field(default_factory=list)
    tools: list[ToolSpec] = field(default_factory=list)
    good: str = ""
    bad: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def parsed(self, text: str) -> Plan | None:
        return parse_plan(text, self.tools).plan

    def found(self, text: str) -> set[str]:
        """The names of the checks that find something wrong with the plan in this text."""
        parsed = parse_plan(text, self.tools)
        if parsed.plan is None:
            return {problem.check for problem in parsed.problems}
        checked = self.checked(parsed.plan)
        return {problem.check for problem in [*checked.errors, *checked.warnings]}

    def checked(self, plan: Plan) -> Checked:
        return check_plan(
            plan,
            tools=self.tools,
            instruction=self.instruction,
            models=self.models,
            has_context=bool(self.context),
        )


def read_case(path: Path) -> Case:
    header, *sections = re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)
    case = Case(path.stem, tools=ToolRegistry.with_defaults().specs())
    for line in header.splitlines():
        key, _, value = line.partition(": ")
        if key == "tool":
            name, effect = value.split()
            fields = {"name": name, "description": "", "effect": effect}
            case.tools.append(msgspec.convert(fields, ToolSpec))
        elif key == "models":
            case.models = value.split()
        else:
            assert key in ("kind", "instruction", "context"), f"{path}: unknown header {key}"
            setattr(case, key, value)
    for section in sections:
        head, _, body = section.partition("\n")
        how, _, check = head.strip().partition(" ")
        if how == "good":
            case.good = body
        else:
            {"bad": case.bad, "text": case.texts}[how].append((check, body))
    return case


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as the mapping that a reply would hold, without what has its default."""
    blank = PlanStep(step=0, task_type="", title="", task_description="")
    keep = ("step", "task_type", "title", "task_description", "next_step_sequence_number")
    steps = [
        {
            name: value
            for name, value in msgspec.to_builtins(step).items()
            if name in keep or value != getattr(blank, name)
        }
        for step in plan.steps
    ]
    return {"reasoning": plan.reasoning, "plan": steps}


def patched(data: dict[str, Any], patch: str) -> str:
    """The plan with the lines of a patch carried out, as a reply's text."""
    data = copy.deepcopy(data)
    for line in filter(None, map(str.strip, patch.splitlines())):
        if line.startswith("add "):
            data["plan"].append(yaml.safe_load(line[4:]))
        elif line.startswith("del "):
            place, name = located(data, line[4:])
            del place[name]
        elif line.startswith("move "):
            _, old, new = line.split()
            place, name = located(data, old)
            place[new] = place.pop(name)
        else:
            path, _, value = line.partition(" = ")
            place, name = located(data, path)
            place[name] = yaml.safe_load(value)
    return json.dumps(data)


def located(data: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    place, _, name = path.strip().rpartition(".")
    return (data["plan"][int(place)] if place else data), name


CASES = [read_case(path) for path in sorted(CORPUS.glob("*.txt"))]
GOOD = {case.name: case.parsed(case.good) for case in CASES}


def bad_replies(case: Case) -> list[tuple[str, str]]:
    plan = GOOD[case.name]
    assert plan is not None
    return [(check, patched(as_data(plan), body)) for check, body in case.bad] + case.texts
