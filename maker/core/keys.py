"""Call keys and the places that they name: the identity of an agent call, never its order.

Written and read here alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from maker.core.models import CallKey
from maker.errors import LogDamaged

LaneKey: TypeAlias = tuple[int, int] | None
"""(step, iteration), or None for the plan's; within a lane derived events have one order."""


class PlanPlace(NamedTuple):
    """The planner's call of an attempt."""

    attempt: int


class CheckPlace(NamedTuple):
    """A judging call about the plan of an attempt."""

    attempt: int
    name: str


class SamplePlace(NamedTuple):
    """One sample of a try of a step."""

    step: int
    iteration: int
    try_number: int
    sample: int

    @property
    def lane(self) -> tuple[int, int]:
        """The lane that the sample belongs to."""
        return self.step, self.iteration


Place: TypeAlias = PlanPlace | CheckPlace | SamplePlace

_SAMPLE = re.compile(r"step/(\d+)\.(\d+)/(\d+)/(\d+)")
_PLAN = re.compile(r"plan/(\d+)")
_CHECK = re.compile(r"check/(\d+)/(.+)")


def plan_key(attempt: int) -> CallKey:
    """The identity of the planner's call of an attempt."""
    return CallKey(f"plan/{attempt}")


def check_key(attempt: int, name: str) -> CallKey:
    """The identity of a judging call about the plan of an attempt."""
    return CallKey(f"check/{attempt}/{name}")


def sample_key(step: int, iteration: int, try_number: int, sample: int) -> CallKey:
    """The identity of one sample."""
    return CallKey(f"step/{step}.{iteration}/{try_number}/{sample}")


@lru_cache(maxsize=1024)
def place_of(key: CallKey) -> Place:
    """The place that a call key names. Raises LogDamaged for what is no call key."""
    if match := _SAMPLE.fullmatch(key):
        step, iteration, try_number, sample = map(int, match.groups())
        return SamplePlace(step, iteration, try_number, sample)
    if match := _PLAN.fullmatch(key):
        return PlanPlace(int(match[1]))
    if match := _CHECK.fullmatch(key):
        return CheckPlace(int(match[1]), match[2])
    raise LogDamaged(f"{key!r} is not the key of a call", advice="Run: maker verify RUN")


def sample_place(key: CallKey) -> SamplePlace | None:
    """The place of a sample; None for a call about the plan."""
    place = place_of(key)
    return place if isinstance(place, SamplePlace) else None
