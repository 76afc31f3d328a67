"""Call keys are written and read in one place, and read back as what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core import keys
from maker.core.models import CallKey
from maker.errors import LogDamaged

numbers = st.integers(0, 10**9)


@given(numbers, numbers, numbers, numbers)
def test_the_key_of_a_sample_names_its_place(
    step: int, iteration: int, number: int, sample: int
) -> None:
    place = keys.place_of(keys.sample_key(step, iteration, number, sample))
    assert place == keys.SamplePlace(step, iteration, number, sample)
    assert place == keys.sample_place(keys.sample_key(*place))


@given(numbers, st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True))
def test_the_keys_about_a_plan_name_theirs(attempt: int, name: str) -> None:
    assert keys.place_of(keys.plan_key(attempt)) == keys.PlanPlace(attempt)
    assert keys.place_of(keys.check_key(attempt, name)) == keys.CheckPlace(attempt, name)
    assert keys.sample_place(keys.plan_key(attempt)) is None


@pytest.mark.parametrize("text", ["", "plan", "step/1/2", "step/1.2/3", "step/a.0/0/0", "other/1"])
def test_what_is_no_key_is_damage(text: str) -> None:
    with pytest.raises(LogDamaged, match="not the key of a call"):
        keys.place_of(CallKey(text))
