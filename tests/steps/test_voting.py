"""Rounds, winners and declared outcomes of a vote."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.strategies import Strategy, VotingStrategy, named
from maker.steps.red_flags import Ballot
from maker.steps.voting import Tally, tally

Rules = tuple[VotingStrategy, int]


def rules(strategy: Strategy = "first_to_k", n: int = 3, k: int = 2, most: int = 10) -> Rules:
    return named(strategy, n, k), most


def ballots(answers: str) -> dict[int, Ballot]:
    """One ballot a letter; `x` is a red flag, `c` says that it cannot be done."""
    flags = {"x": "schema", "c": "cannot"}
    return {
        i: Ballot(flag=flags[a], detail="") if a in flags else Ballot(output=a, answer=a)
        for i, a in enumerate(answers)
    }


def counted(rule: Rules, answers: str) -> Tally:
    return tally(*rule, ballots(answers))


def test_the_first_round_of_first_to_k_launches_k_samples() -> None:
    assert counted(rules(k=3), "").launched == 3


def test_a_unanimous_first_round_decides() -> None:
    result = counted(rules(k=3), "AAA").result
    assert result is not None
    assert (result.winner, result.margin, result.decided_by) == (0, 3, 2)


def test_the_next_round_launches_k_minus_the_lead() -> None:
    assert counted(rules(k=3), "AAB").launched == 5
    assert counted(rules(k=3), "AABAA").result is not None


def test_a_tie_starts_from_nothing() -> None:
    assert counted(rules(k=2), "AB").launched == 4


def test_being_ahead_means_ahead_of_every_other_answer() -> None:
    assert counted(rules(k=2), "ABAB").result is None
    result = counted(rules(k=2), "ABABAA").result
    assert result is not None
    assert result.margin == 2


def test_a_flagged_sample_never_votes_and_is_replaced() -> None:
    assert counted(rules(k=2), "Ax").launched == 3
    result = counted(rules(k=2), "AxA").result
    assert result is not None
    assert (result.winner, result.flagged) == (0, [1])


def test_a_majority_launches_the_fewest_samples_that_can_make_one() -> None:
    assert counted(rules("majority", n=5), "").launched == 3
    assert counted(rules("majority", n=5), "AAB").launched == 4
    result = counted(rules("majority", n=5), "AABA").result
    assert result is not None
    assert result.winner == 0


def test_a_majority_that_cannot_be_reached_any_more_fails_without_buying() -> None:
    result = counted(rules("majority", n=3), "AB").result
    assert result is None
    result = counted(rules("majority", n=3), "ABC").result
    assert result is not None
    assert result.winner is None
    assert "majority of 3" in result.reason


def test_no_sample_is_bought_that_could_not_decide_within_the_limit() -> None:
    result = counted(rules(k=3, most=4), "AAB").result
    assert result is not None
    assert result.winner is None
    assert "undecided within 4" in result.reason


def test_enough_declared_failures_end_the_try() -> None:
    result = counted(rules(k=2), "cc").result
    assert result is not None
    assert result.winner is None
    assert "cannot be done" in result.reason


def test_without_voting_one_sample_decides() -> None:
    assert counted(rules("none"), "").launched == 1
    result = counted(rules("none"), "A").result
    assert result is not None
    assert result.winner == 0
    flagged = counted(rules("none"), "x").result
    assert flagged is not None
    assert flagged.winner is None


@given(st.permutations(range(3)))
def test_an_incomplete_round_is_not_counted_whoever_was_fast(order: list[int]) -> None:
    full = ballots("AAB")
    partial = {i: full[i] for i in order[:2]}
    assert tally(*rules(k=3), partial).counted == 0


@given(
    st.text("ABCxc", min_size=40, max_size=40),
    st.sampled_from(["majority", "first_to_k"]),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_every_vote_ends_within_its_limit_and_counts_every_sample_once(
    answers: str, strategy: Strategy, k: int, most: int
) -> None:
    rule = rules(strategy, n=2 * k - 1, k=k, most=most)
    count = counted(rule, answers)
    assert count.result is not None
    assert count.counted <= most
    seen = [s for answer in count.result.answers for s in answer.samples] + count.result.flagged
    assert sorted(seen) == list(range(count.counted))


@pytest.mark.parametrize(("p", "expected"), [(0.90, 2.44), (0.95, 2.21), (0.99, 2.04)])
def test_votes_per_step_at_k_2_match_the_papers_formula(p: float, expected: float) -> None:
    k = 2
    right = 1 / (1 + ((1 - p) / p) ** k)
    assert math.isclose(k * (2 * right - 1) / (2 * p - 1), expected, abs_tol=0.006)
