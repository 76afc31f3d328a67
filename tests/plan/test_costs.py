"""The formulas of the paper and the price ranges built on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core import strategies
from maker.core.models import Usage
from maker.plan import costs


@pytest.mark.parametrize(
    ("failing", "k"),
    [(0.3571, 29), (0.0040, 4), (0.0022, 3), (0.0018, 3), (0.1839, 12), (0.0358, 6), (0.2342, 15)],
)
def test_the_smallest_lead_is_the_one_of_the_papers_table(failing: float, k: int) -> None:
    assert strategies.least_k(1 - failing, 1_048_575, 0.95) == k


@pytest.mark.parametrize(
    ("p_right", "votes"),
    [(0.90, (1, 2.44, 3.74)), (0.95, (1, 2.21, 3.33)), (0.99, (1, 2.04, 3.06))],
)
def test_expected_votes_are_those_of_the_paper(
    p_right: float, votes: tuple[float, float, float]
) -> None:
    found = [strategies.expected_votes(p_right, k) for k in (1, 2, 3)]
    assert found == pytest.approx(votes, abs=0.01)


def test_votes_between_equal_rivals_are_finite() -> None:
    assert strategies.expected_votes(0.5, 3) == 9
    assert strategies.expected_votes(0.5 + 1e-6, 3) == pytest.approx(9, abs=1e-3)


@given(st.floats(0.51, 0.999), st.integers(1, 8))
def test_a_larger_lead_is_surer_and_needs_more_votes(p_right: float, k: int) -> None:
    assert strategies.right_per_step(p_right, k + 1) >= strategies.right_per_step(p_right, k)
    assert (
        strategies.expected_votes(p_right, k + 1)
        > strategies.expected_votes(p_right, k)
        >= k * 0.999
    )


def test_a_majority_of_three_takes_two_to_three_samples() -> None:
    assert strategies.named("majority", 3, 2).expected_samples(1.0) == 2
    assert strategies.named("majority", 3, 2).expected_samples(0.8) == pytest.approx(2.32)


def test_a_price_is_found_by_the_models_family() -> None:
    assert costs.price_of("claude-sonnet-4-5") == costs.Price(3.0, 15.0)
    assert costs.price_of("claude-opus-4-1-20250805") == costs.Price(15.0, 75.0)
    assert costs.price_of("claude-sonnet-5-5") == costs.Price(2.0, 10.0)
    assert costs.price_of("claude-opus-4-5") == costs.Price(5.0, 25.0)
    assert costs.price_of("claude-opus-5-5") == costs.Price(4.0, 20.0)
    assert costs.price_of("claude-haiku-4-5") == costs.Price(1.0, 5.0)
    assert costs.price_of("someone-elses") == costs.UNKNOWN_MODEL


def test_voting_iterations_and_tools_each_make_a_step_dearer() -> None:
    plain = costs.StepLoad("claude-sonnet-4-5", with_tools=False)
    dearer = [
        plain._replace(with_tools=True),
        plain._replace(strategy=strategies.FirstToK(2)),
        plain._replace(passes=(2, 9)),
    ]
    base = costs.step_cost(plain, 10)
    for load in dearer:
        cost = costs.step_cost(load, 10)
        assert cost.low_usd > base.low_usd
        assert cost.high_usd > base.high_usd


def test_a_vote_costs_no_more_than_its_limit_of_samples() -> None:
    load = costs.StepLoad("claude-sonnet-4-5", with_tools=False, strategy=strategies.FirstToK(40))
    one = costs.sample_cost(load.model, with_tools=False)
    assert costs.step_cost(load, 5).high_usd == pytest.approx(5 * one.high_usd)


def test_tokens_cost_what_their_model_and_the_cache_make_of_them() -> None:
    usage = Usage(
        input_tokens=10_000,
        output_tokens=1_000,
        cache_read_tokens=100_000,
        cache_creation_tokens=8_000,
    )
    assert costs.usage_cost("claude-sonnet-4-5", usage) == pytest.approx(0.03 + 0.015 + 0.03 + 0.03)
    assert costs.usage_cost("claude-sonnet-5-5", usage) == pytest.approx(0.02 + 0.01 + 0.02 + 0.02)


def test_long_texts_have_their_price() -> None:
    usual = costs.sample_cost("claude-sonnet-4-5", with_tools=False)
    long = costs.sample_cost("claude-sonnet-4-5", with_tools=False, told_characters=404_000)
    assert long.low_usd - usual.low_usd == pytest.approx(0.30)  # 100,000 tokens at $3 a million
    assert costs.sample_cost("claude-sonnet-4-5", with_tools=False, told_characters=900) == usual
