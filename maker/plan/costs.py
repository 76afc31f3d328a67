"""What a plan may cost before it has run: list prices, token ranges, votes to expect. Pure.

Rough on purpose, and always a range: a real cost is what the agent reports with its reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from maker.core.models import Usage
from maker.core.strategies import Single, VotingStrategy


class Price(NamedTuple):
    """List price of a model, in dollars for a million tokens."""

    input_usd: float
    output_usd: float


PRICES: tuple[tuple[str, Price], ...] = (
    (r"opus-4(-[01])?(-\d{8})?$|3-opus", Price(15.0, 75.0)),
    (r"opus-5-5", Price(4.0, 20.0)),
    (r"opus", Price(5.0, 25.0)),
    (r"sonnet-5", Price(2.0, 10.0)),
    (r"sonnet", Price(3.0, 15.0)),
    (r"3-5-haiku", Price(0.8, 4.0)),
    (r"haiku", Price(1.0, 5.0)),
)
"""By family; the first pattern found in the model's name counts."""
UNKNOWN_MODEL = Price(5.0, 25.0)
CACHE_READ, CACHE_CREATION = 0.1, 1.25
"""What a cached input token costs, as a part of the price of another."""


class CostRange(NamedTuple):
    """From the cheapest course of things that is likely to the dearest."""

    low_usd: float
    high_usd: float

    def times(self, low: float, high: float) -> CostRange:
        """The range of so many of the same."""
        return CostRange(self.low_usd * low, self.high_usd * high)


class _Tokens(NamedTuple):
    input_low: int
    input_high: int
    output_low: int
    output_high: int


_WITHOUT_TOOLS = _Tokens(1_500, 8_000, 80, 1_200)
_WITH_TOOLS = _Tokens(6_000, 120_000, 300, 6_000)
"""All turns of one sample together; most of the input of later turns is read from a cache."""

_ORDINARY_CHARACTERS = 4_000
"""Of the texts that a sample is told; what is longer is added to the figures above."""
_CHARACTERS_A_TOKEN = 4
_WINDOW_TOKENS, _LONGEST_ANSWER_TOKENS = 200_000, 32_000
GOOD_SAMPLE, POOR_SAMPLE = 0.99, 0.8
"""Chances that one sample is right, at the two ends of an estimate."""
MOST_ITEMS = 20
"""Items of a `for_each` list that is not known yet, at the high end of an estimate."""


class StepLoad(NamedTuple):
    """What the cost of a step depends on; `passes` are iterations at the low and high end.

    `told_characters` is the length of what each sample is told, as far as it is known.
    """

    model: str
    with_tools: bool
    strategy: VotingStrategy = Single()
    passes: tuple[int, int] = (1, 1)
    told_characters: int = 0


def price_of(model: str) -> Price:
    """The list price of a model, by its family; that of a large one where it is not known."""
    for pattern, price in PRICES:
        if re.search(pattern, model):
            return price
    return UNKNOWN_MODEL


def largest_response_usd(model: str) -> float:
    """What one response may cost at most: a whole context window read, a very long answer given."""
    price = price_of(model)
    return (_WINDOW_TOKENS * price.input_usd + _LONGEST_ANSWER_TOKENS * price.output_usd) / 1e6


def usage_cost(model: str, usage: Usage) -> float:
    """What these tokens cost at list price, in dollars."""
    price = price_of(model)
    input_tokens = (
        usage.input_tokens
        + CACHE_READ * usage.cache_read_tokens
        + CACHE_CREATION * usage.cache_creation_tokens
    )
    return (input_tokens * price.input_usd + usage.output_tokens * price.output_usd) / 1e6


def sample_cost(model: str, *, with_tools: bool, told_characters: int = 0) -> CostRange:
    """What one sample of a step may cost."""
    more = max(0, told_characters - _ORDINARY_CHARACTERS) // _CHARACTERS_A_TOKEN
    price, tokens = price_of(model), _WITH_TOOLS if with_tools else _WITHOUT_TOOLS
    low = (tokens.input_low + more) * price.input_usd + tokens.output_low * price.output_usd
    high = (tokens.input_high + more) * price.input_usd + tokens.output_high * price.output_usd
    return CostRange(low / 1e6, high / 1e6)


def step_cost(load: StepLoad, most_samples: int) -> CostRange:
    """What one step may cost with all its samples and iterations."""
    good = min(load.strategy.expected_samples(GOOD_SAMPLE), most_samples)
    poor = min(load.strategy.expected_samples(POOR_SAMPLE), most_samples)
    sample = sample_cost(
        load.model, with_tools=load.with_tools, told_characters=load.told_characters
    )
    return sample.times(good * load.passes[0], poor * load.passes[1])


def total(ranges: Iterable[CostRange]) -> CostRange:
    """All of them together."""
    listed = list(ranges)
    return CostRange(sum(r.low_usd for r in listed), sum(r.high_usd for r in listed))
