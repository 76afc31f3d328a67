"""The plans of tests/corpus/plans: good ones pass, bad ones are caught by the intended check."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maker.core.models import Plan, PlanStep, ToolSpec
from maker.planner.parser import parse_plan
from maker.planner.plan_text import plan_to_yaml
from maker.tools.registry import ToolRegistry
from maker.validator.check_table import CHECKS
from maker.validator.checks import check_plan

CORPUS = Path(__file__).parent.parent / "corpus" / "plans"
KINDS = {"read": 10, "write": 6, "for_each": 4, "branch": 4, "web": 3, "trivial": 3}
INTENDED_AT_LEAST = 0.95


@dataclass
class Case:
    """One file of the corpus."""

    name: str
    kind: str = ""
    instruction: str = ""
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

    def checked(self, plan: Plan) -> Any:
        return check_plan(plan, tools=self.tools, instruction=self.instruction, models=self.models)


def read_case(path: Path) -> Case:
    header, *sections = re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)
    case = Case(path.stem, tools=ToolRegistry.with_defaults().specs())
    for line in header.splitlines():
        key, _, value = line.partition(": ")
        if key == "tool":
            name, effect = value.split()
            case.tools.append(ToolSpec(name=name, description="", effect=effect))
        elif key == "models":
            case.models = value.split()
        else:
            assert key in ("kind", "instruction"), f"{path}: unknown header {key}"
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_good_plan_passes_every_check_without_a_warning(case: Case) -> None:
    parsed = parse_plan(case.good, case.tools)
    assert parsed.problems == []
    assert parsed.plan is not None
    checked = case.checked(parsed.plan)
    assert checked.errors == []
    assert checked.warnings == []
    assert checked.checks_passed == len(CHECKS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_written_as_yaml_is_read_back_unchanged(case: Case) -> None:
    plan = GOOD[case.name]
    assert plan is not None
    again = parse_plan(plan_to_yaml(plan), case.tools)
    assert again.plan == plan
    assert again.notes == []


def test_the_corpus_has_the_promised_variety() -> None:
    assert Counter(case.kind for case in CASES) == KINDS
    assert all(len(case.bad) + len(case.texts) >= 3 for case in CASES)
    intended = {check for case in CASES for check, _ in [*case.bad, *case.texts]}
    assert intended == {check.name for check in CHECKS}


def test_bad_plans_are_caught_by_the_intended_check(record_property: Callable[..., None]) -> None:
    caught: Counter[str] = Counter()
    total: Counter[str] = Counter()
    missed = []
    for case in CASES:
        for check, text in bad_replies(case):
            total[check] += 1
            found = case.found(text)
            if check in found:
                caught[check] += 1
            else:
                missed.append(f"{case.name}: {check} expected, {sorted(found) or 'nothing'} found")
    for check in sorted(total):
        record_property(check, f"{caught[check]} of {total[check]}")
        print(f"{check:16} {caught[check]:3} of {total[check]:3}")  # noqa: T201
    print(f"{'all':16} {caught.total():3} of {total.total():3}")  # noqa: T201
    assert caught.total() >= INTENDED_AT_LEAST * total.total(), "\n".join(missed)
    assert missed == []


# --- mutations -----------------------------------------------------------------------------------

Mutation = Callable[[Case, dict[str, Any], Callable[..., Any]], str | None]
"""Spoils the plan in place and names the check that must catch it; None: not possible here."""


def pick(data: dict[str, Any], draw: Callable[..., Any], keep: Callable[[Any], bool]) -> Any:
    steps = [step for step in data["plan"] if keep(step)]
    return draw(st.sampled_from(steps)) if steps else None


def is_action(step: dict[str, Any]) -> bool:
    return step["task_type"] == "action_step"


def drop_a_required_field(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, is_action)
    names = ["step", "task_type", "title", "task_description", "next_step_sequence_number"]
    del step[draw(st.sampled_from(names))]
    return "fields"


def drop_the_schema(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    del pick(data, draw, is_action)["output_schema"]
    return "schema"


def misspell_a_field(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = draw(st.sampled_from(data["plan"]))
    name = draw(st.sampled_from([name for name in step if len(name) > 5]))
    place = draw(st.integers(1, len(name) - 2))
    letter = "q" if name[place] != "_" else "qq"
    step[name[:place] + letter + name[place + 1 :]] = step.pop(name)
    return "fields"


def retype_a_field(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = draw(st.sampled_from(data["plan"]))
    name, value = draw(
        st.sampled_from(
            [
                ("step", "first"),
                ("step", [0]),
                ("title", ["a", "b"]),
                ("task_description", {"do": "it"}),
                ("next_step_sequence_number", "next"),
                ("next_step_sequence_number", 1.5),
                ("next_step_sequence_number", True),
                ("input_variables", {"a": 1}),
                ("primary_tools", [["Read"]]),
                ("vote_on", [1]),
                ("targets", ["x"]),
                ("repeat", "until done"),
                ("effect", "harmless"),
                ("for_each", ["a"]),
            ]
        )
    )
    step[name] = value
    return "fields"


def add_an_orphan(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    steps = data["plan"]
    if any(not is_action(step) and "targets" not in step for step in steps):
        return None
    orphan = copy.deepcopy(pick(data, draw, is_action))
    orphan.update(step=len(steps), next_step_sequence_number=-1)
    orphan["output_variable"] = f"step_{len(steps)}_output"
    steps.append(orphan)
    return "reachable"


def close_a_cycle(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, is_action)
    step["next_step_sequence_number"] = draw(st.integers(0, step["step"]))
    return "forward"


def lead_nowhere(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, is_action)
    step["next_step_sequence_number"] = draw(st.integers(len(data["plan"]), 10**6))
    return "next-exists"


def spoil_targets(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, lambda step: not is_action(step))
    if step is None:
        return None
    step["targets"] = draw(st.sampled_from([[], [step["step"] + 50], [-3], [-1, -1]]))
    return "targets"


def swap_two_targets(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    """The followers of two steps in a line, exchanged: the later one then leads back."""
    steps = data["plan"]
    key = "next_step_sequence_number"
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(steps)
        if is_action(first) and is_action(second) and first[key] == second["step"]
    ]
    if not pairs:
        return None
    first, second = draw(st.sampled_from(pairs))
    first[key], second[key] = second[key], first[key]
    return "forward"


def swap_two_steps(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    steps = data["plan"]
    if len(steps) < 2:
        return None
    first, second = draw(st.permutations(range(len(steps))))[:2]
    steps[first], steps[second] = steps[second], steps[first]
    return "step-numbers"


def name_an_unknown_tool(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, is_action)
    name = draw(
        st.sampled_from(["Reed", "Shell", "mcp__nobody__search", "Write(*)", "", "read file"])
    )
    step["primary_tools"] = [*step.get("primary_tools", []), name]
    return "known-tools"


def misspell_an_input(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, lambda step: any("." in v for v in step.get("input_variables", [])))
    if step is None:
        return None
    names = step["input_variables"]
    place = draw(st.sampled_from([i for i, name in enumerate(names) if "." in name]))
    wrong = [f"{names[place]}x", f"{names[place]}.x", names[place].replace("_output", "_out")]
    wrong += [f"{names[place]}.", names[place].replace(".", "..", 1)]
    names[place] = draw(st.sampled_from([name for name in wrong if name != names[place]]))
    return "inputs"


def read_a_later_step(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = draw(st.sampled_from(data["plan"]))
    number = draw(st.integers(step["step"], len(data["plan"]) + 3))
    step["input_variables"] = [*step.get("input_variables", []), f"step_{number}_output"]
    return "inputs"


def misspell_a_schema(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, is_action)
    schema = step["output_schema"]
    typos = [schema[:-1], schema[1:], f"{schema}}}", schema.replace(":", "", 1), "{}", "string"]
    types = {"string": "str", "int": "integer", "bool": "boolean"}
    typos += [
        re.sub(rf"\b{a}\b", b, schema) for a, b in types.items() if re.search(rf"\b{a}\b", schema)
    ]
    step["output_schema"] = draw(st.sampled_from(typos))
    return "schema"


def loop_over_no_list(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = pick(data, draw, lambda step: "for_each" in step)
    if step is None:
        return None
    wrong = ["item", f"{step['for_each']}.nothing", f"step_{step['step']}_output", "files"]
    step["for_each"] = draw(st.sampled_from(wrong))
    return "for-each"


def vote_on_nothing(case: Case, data: dict[str, Any], draw: Any) -> str | None:
    step = draw(st.sampled_from(data["plan"]))
    step["vote_on"] = [draw(st.sampled_from(["nothing", "step_0_output", "a.b", "."]))]
    return "vote-on"


MUTATIONS: list[Mutation] = [
    drop_a_required_field,
    drop_the_schema,
    misspell_a_field,
    retype_a_field,
    add_an_orphan,
    close_a_cycle,
    lead_nowhere,
    spoil_targets,
    swap_two_targets,
    swap_two_steps,
    name_an_unknown_tool,
    misspell_an_input,
    read_a_later_step,
    misspell_a_schema,
    loop_over_no_list,
    vote_on_nothing,
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_plan_is_caught_by_the_intended_check(mutation: Mutation, data: Any) -> None:
    case = data.draw(st.sampled_from(CASES))
    plan = GOOD[case.name]
    assert plan is not None
    spoiled = as_data(plan)
    intended = mutation(case, spoiled, data.draw)
    if intended is not None:
        assert intended in case.found(json.dumps(spoiled))
