"""Kinds of agents: what they can do and cost is said by a value, and only their choice by name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

from maker.core.kinds import KINDS, AgentName, kind_of

ROOT = Path(__file__).parents[2] / "maker"
WHERE_IT_IS_CHOSEN = {"app.py"}


def comparisons(source: str) -> list[str]:
    """The comparisons and match arms of a module that name a kind of agent."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare | ast.MatchValue):
            words = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            if words & KINDS.keys():
                found.append(ast.unparse(node))
    return found


def test_only_the_place_where_an_agent_is_chosen_compares_its_name() -> None:
    comparing = {
        str(path.relative_to(ROOT)): found
        for path in ROOT.rglob("*.py")
        if (found := comparisons(path.read_text()))
    }
    assert comparing.keys() == WHERE_IT_IS_CHOSEN, comparing


@pytest.mark.parametrize(
    "planted",
    ["x = a == 'simulated'", "x = 'claude' != a", "x = a in ('claude', 'y')",
     "match a:\n    case 'claude':\n        pass"],
)  # fmt: skip
def test_a_planted_comparison_is_found(planted: str) -> None:
    assert comparisons(planted)


def test_every_agent_that_the_settings_take_has_its_kind() -> None:
    assert set(get_args(AgentName)) == KINDS.keys()
    assert all(kind.name == name for name, kind in KINDS.items())


def test_an_agent_of_a_later_maker_is_taken_for_one_that_costs_money() -> None:
    unknown = kind_of("of-tomorrow")
    assert (unknown.is_paid, unknown.uses_tools, unknown.needs_login) == (True, True, True)


def test_a_simulated_agent_costs_nothing_and_touches_nothing() -> None:
    kind = kind_of("simulated")
    assert (kind.is_paid, kind.uses_tools, kind.needs_login) == (False, False, False)
