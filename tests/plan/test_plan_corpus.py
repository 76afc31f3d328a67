"""The plans of tests/corpus/plans: good ones pass, bad ones are caught by the intended check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from plan_corpus import CASES, GOOD, Case, bad_replies

from maker.plan.check_table import CHECKS
from maker.plan.parser import parse_plan
from maker.plan.plan_text import plan_to_yaml

KINDS = {"read": 10, "write": 6, "for_each": 4, "branch": 4, "web": 3, "trivial": 3, "context": 1}
INTENDED_AT_LEAST = 0.95


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
