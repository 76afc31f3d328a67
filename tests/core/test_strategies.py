"""A voting strategy is one value that says all there is to say of it."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.strategies import Strategy, VotingStrategy, named

EVERY = [named(name, 5, 3) for name in get_args(Strategy)]


@pytest.mark.parametrize("strategy", EVERY, ids=lambda strategy: strategy.name)
def test_a_strategy_says_its_name_its_rule_and_its_quorum(strategy: VotingStrategy) -> None:
    assert named(strategy.name, 5, 3) == strategy
    assert strategy.words
    assert strategy.quorum >= 1


@given(st.sampled_from(EVERY), st.lists(st.integers(1, 9), max_size=4))
def test_a_vote_is_decided_or_asks_for_samples_that_could_decide_it(
    strategy: VotingStrategy, counts: list[int]
) -> None:
    counts = sorted(counts, reverse=True)
    if strategy.is_decided(counts):
        return
    needed = strategy.needed(counts)
    assert needed >= 1
    leading = [(counts[0] if counts else 0) + needed, *counts[1:]]
    assert strategy.is_decided(leading), "if all of them agree with the first answer"
    fewer = [leading[0] - 1, *counts[1:]]
    assert not strategy.is_decided([n for n in fewer if n]), "and no fewer could"


@given(st.sampled_from(EVERY), st.floats(0.5, 1.0))
def test_a_surer_sample_never_needs_more_votes(strategy: VotingStrategy, p_right: float) -> None:
    assert strategy.expected_samples(1.0) <= strategy.expected_samples(p_right) + 1e-9
    assert strategy.expected_samples(1.0) == strategy.quorum
