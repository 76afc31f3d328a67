"""The voting strategies, one frozen class each: when a vote is decided, what the next round needs.

A class says all there is to say of its strategy; whoever adds one adds it here and to `named`.
`counts` are the votes of each answer, the most first. Counting itself is in `voting.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, assert_never

Strategy = Literal["none", "majority", "first_to_k"]


class VotingStrategy(Protocol):
    """What counting, costs and the commands ask a strategy."""

    @property
    def name(self) -> Strategy: ...

    @property
    def words(self) -> str:
        """The rule in a few words, for people."""
        ...

    @property
    def quorum(self) -> int:
        """Votes of one kind that settle the matter where nobody disagrees."""
        ...

    def is_decided(self, counts: Sequence[int]) -> bool: ...

    def needed(self, counts: Sequence[int]) -> int:
        """The fewest samples that could decide the vote: those of the next round."""
        ...

    def hopeless(self, counts: Sequence[int], counted: int) -> str:
        """Why no further sample could decide the vote; empty where one could."""
        ...

    def extended(self, times: int) -> VotingStrategy:
        """The rule for a vote that goes on, undecided, with so many times its samples."""
        ...

    def expected_samples(self, p_right: float) -> float:
        """Samples that a vote takes on average where one is right with this chance."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """One sample a try, and no vote."""

    name: ClassVar[Strategy] = "none"
    words: ClassVar[str] = "one sample each"
    quorum: ClassVar[int] = 1

    def is_decided(self, counts: Sequence[int]) -> bool:
        return bool(counts)

    def needed(self, counts: Sequence[int]) -> int:
        return 1

    def hopeless(self, counts: Sequence[int], counted: int) -> str:
        return "the sample was thrown away" if counted else ""

    def extended(self, times: int) -> Single:
        return self

    def expected_samples(self, p_right: float) -> float:
        return 1.0


@dataclass(frozen=True, slots=True)
class Majority:
    """More than half of n samples; no more are asked than can make one."""

    n: int
    name: ClassVar[Strategy] = "majority"

    @property
    def words(self) -> str:
        return f"majority of {self.n}"

    @property
    def quorum(self) -> int:
        return self.n // 2 + 1

    def is_decided(self, counts: Sequence[int]) -> bool:
        return bool(counts) and counts[0] >= self.quorum

    def needed(self, counts: Sequence[int]) -> int:
        return self.quorum - (counts[0] if counts else 0)

    def hopeless(self, counts: Sequence[int], counted: int) -> str:
        is_open = self.needed(counts) <= self.n - sum(counts)
        return "" if is_open else f"no answer can reach a majority of {self.n}"

    def extended(self, times: int) -> Majority:
        return Majority(self.n * times)

    def expected_samples(self, p_right: float) -> float:
        """Samples until one of two answers has the majority."""
        quorum, p_wrong = self.quorum, 1 - p_right
        shares: list[float] = []
        for votes in range(quorum, 2 * quorum):
            lost, ways = votes - quorum, math.comb(votes - 1, quorum - 1)
            for_either = p_right**quorum * p_wrong**lost + p_wrong**quorum * p_right**lost
            p_decides = ways * for_either  # the chance that this vote is the deciding one
            shares.append(votes * p_decides)
        return sum(shares)


@dataclass(frozen=True, slots=True)
class FirstToK:
    """The first answer to be ahead of every other by k (Meyerson et al. 2025, arXiv 2511.09030)."""

    k: int
    name: ClassVar[Strategy] = "first_to_k"

    @property
    def words(self) -> str:
        return f"first to be ahead by {self.k}"

    @property
    def quorum(self) -> int:
        return self.k

    def is_decided(self, counts: Sequence[int]) -> bool:
        return margin(counts) >= self.k

    def needed(self, counts: Sequence[int]) -> int:
        return self.k - margin(counts)

    def hopeless(self, counts: Sequence[int], counted: int) -> str:
        return ""

    def extended(self, times: int) -> FirstToK:
        return self

    def expected_samples(self, p_right: float) -> float:
        return expected_votes(p_right, self.k)


def named(name: Strategy, n: int, k: int) -> VotingStrategy:
    """The strategy of this name with these numbers."""
    match name:
        case "none":
            return Single()
        case "majority":
            return Majority(n)
        case "first_to_k":
            return FirstToK(k)
        case _:
            assert_never(name)


def margin(counts: Sequence[int]) -> int:
    """By how many votes the first answer is ahead of the second."""
    first, second = [*counts, 0, 0][:2]
    return first - second


def right_per_step(p_right: float, k: int) -> float:
    """The chance that first-to-be-ahead-by-k picks the right answer over one rival."""
    if p_right in (0.0, 1.0):
        return p_right
    return 1 / (1 + ((1 - p_right) / p_right) ** k)


def expected_votes(p_right: float, k: int) -> float:
    """Valid samples until one answer is ahead by k, on average."""
    if math.isclose(p_right, 0.5):
        return float(k * k)
    return k * (2 * right_per_step(p_right, k) - 1) / (2 * p_right - 1)


def least_k(p_right: float, steps: int, target: float) -> int:
    """The smallest lead with which this many steps all come out right with the target's chance."""
    if not 0.5 < p_right < 1 or not 0 < target < 1 or steps < 1:
        raise ValueError("least_k needs 0.5 < p_right < 1, 0 < target < 1 and steps >= 1")
    odds = math.expm1(-math.log(target) / steps)
    return max(1, math.ceil(math.log(odds) / math.log((1 - p_right) / p_right)))
