"""Plans spoiled at random: the intended check catches each, and nothing raises."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_corpus import CASES, GOOD, Case, as_data

from maker.plan.parser import parse_plan

Mutation = Callable[[Case, dict[str, Any], Callable[..., Any]], str | None]
"""Spoils the plan in place and names the check that must catch it; None: not possible here."""


def pick(data: dict[str, Any], draw: Callable[..., Any], keep: Callable[[Any], bool]) -> Any:
    steps = [step for step in data["plan"] if keep(step)]
    return draw(st.sampled_from(steps)) if steps else None


def is_action(step: dict[str, Any]) -> bool:
    return bool(step["task_type"] == "action_step")


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
    letter = "z"  # in no field's name
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
    types = {"string": "txt", "int": "whole", "bool": "yesno"}
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
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_plan_is_caught_by_the_intended_check(mutation: Mutation, data: Any) -> None:
    case = data.draw(st.sampled_from(CASES))
    plan = GOOD[case.name]
    assert plan is not None
    spoiled = as_data(plan)
    intended = mutation(case, spoiled, data.draw)
    if intended is not None:
        assert intended in case.found(json.dumps(spoiled))


@given(st.sampled_from(CASES), st.floats(0, 1))
def test_a_plan_cut_off_anywhere_never_passes_with_fewer_steps(case: Case, part: float) -> None:
    plan = GOOD[case.name]
    assert plan is not None
    parsed = parse_plan(case.good[: int(part * len(case.good))], case.tools)
    if parsed.plan is not None and not case.checked(parsed.plan).errors:
        assert len(parsed.plan.steps) == len(plan.steps)
