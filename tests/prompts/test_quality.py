"""The judging call: what the judge sees, and how its judgement is read."""

from __future__ import annotations

import json

import msgspec
import pytest

from maker.core.models import Plan, PlanStep
from maker.plan.parser import parse_plan
from maker.prompts.examples import BRANCH
from maker.prompts.quality import QUALITIES, quality_prompts, read_quality


def judged(**failed: list[int]) -> str:
    verdicts = {
        name: {"pass": name not in failed, "reason": f"about {name}", "steps": failed.get(name, [])}
        for name in QUALITIES
    }
    return f"I weighed it.\n{json.dumps(verdicts)}"


def test_a_plan_that_the_judge_passes_has_no_problem() -> None:
    assert read_quality(judged()) == []


def test_each_step_that_fails_a_quality_is_a_problem() -> None:
    found = read_quality(judged(single_purpose=[0, 2], rightly_merged=[]))
    assert found is not None
    assert [(p.check, p.step) for p in found] == [
        ("single_purpose", 0),
        ("single_purpose", 2),
        ("rightly_merged", None),
    ]
    assert all(p.message.startswith("about ") and p.fix for p in found)


@pytest.mark.parametrize(
    "text", ["", "It is fine.", "{}", '{"single_purpose": true}', judged()[:-9]]
)
def test_an_unreadable_judgement_is_none(text: str) -> None:
    assert read_quality(text) is None


def test_the_judge_sees_the_plan_and_every_quality() -> None:
    plan = parse_plan(BRANCH).plan
    assert plan is not None
    user = quality_prompts(instruction="Find it.", plan=plan).user
    assert all(f"- {name}: " in user for name in QUALITIES)
    assert "title: Judge one route file" in user
    assert "Answer in this form" in user


def test_the_judge_knows_what_a_step_gets_that_names_the_context() -> None:
    step = PlanStep(step=0, task_type="action_step", title="t", task_description="d")
    reading = msgspec.structs.replace(step, input_variables=["context"])
    told = [
        "`context` as an input is the data"
        in quality_prompts(instruction="Review.", plan=Plan(reasoning="r", steps=[each])).user
        for each in (step, reading)
    ]
    assert told == [False, True]
