"""Caps on what a run may use, reserved before a call is launched. Pure.

Reservations never exceed what is left of the cap, and each call is stopped after its share: so the
cap is overshot by one response of each call under way at most. A reply that does not say what it
used is taken for the costliest: unknown is not nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from maker.core import keys
from maker.core.models import CallKey
from maker.core.state import RunState
from maker.plan import costs


class Go(Struct, frozen=True):
    """The call may be launched; `budget_usd` is its share of what is left of the cap."""

    budget_usd: float | None


class Stop(Struct, frozen=True):
    """A cap is reached: nothing more is launched."""

    reason: str


Verdict = Go | Stop | Literal["wait"]


def verdict(
    state: RunState, key: CallKey, under_way: Mapping[CallKey, float | None], now: float
) -> Verdict:
    """Whether the call may be launched now; `under_way` are the others, with their shares."""
    config, totals = state.settings, state.totals
    active_s = state.active_s + max(0.0, now - state.updated_at)
    if config.max_minutes is not None and active_s >= 60 * config.max_minutes:
        return Stop(f"{active_s / 60:.1f} of {config.max_minutes:g} minutes used")
    if config.max_samples is not None and totals.samples >= config.max_samples:
        return Stop(f"{totals.samples} of {config.max_samples} samples used")
    tokens = spent_tokens(state)
    if config.max_tokens is not None and tokens >= config.max_tokens:
        return Stop(f"{tokens} of {config.max_tokens} tokens used{_assumed(state.uncounted)}")
    cost_usd = spent_usd(state)
    if config.max_cost_usd is not None and cost_usd >= config.max_cost_usd:
        assumed = _assumed(totals.unpriced)
        return Stop(f"${cost_usd:.4f} of ${config.max_cost_usd:.2f} spent{assumed}")
    if len(under_way) >= config.samples_at_once or not _fits(state, under_way):
        return "wait"
    return _share(state, key, under_way)


def _fits(state: RunState, under_way: Mapping[CallKey, float | None]) -> bool:
    """Whether the caps on samples and tokens leave room for one more beside those under way."""
    config, totals = state.settings, state.totals
    if config.max_samples is not None:
        samples = sum(keys.sample_place(key) is not None for key in under_way)
        if totals.samples + samples >= config.max_samples:
            return False
    if config.max_tokens is None or not under_way:
        return True
    largest, left = state.largest_call_tokens, config.max_tokens - spent_tokens(state)
    return largest is not None and len(under_way) * largest < left


def _share(
    state: RunState, key: CallKey, under_way: Mapping[CallKey, float | None]
) -> Go | Literal["wait"]:
    cap = state.settings.max_cost_usd
    if cap is None:
        return Go(None)
    reserved = sum(share or 0.0 for share in under_way.values())
    left = cap - spent_usd(state) - reserved
    estimate = estimate_usd(state, key)
    if estimate > left:
        return "wait" if under_way else Go(left)
    places = state.settings.samples_at_once - len(under_way)
    return Go(max(estimate, left / places))


def estimate_usd(state: RunState, key: CallKey) -> float:
    """What the call may cost: as the costliest of its step, or the largest response.

    A call for which not even that is left goes alone, with all that is left.
    """
    place = keys.sample_place(key)
    step = place.step if place else None
    costliest_usd = state.costliest.get(step)
    if costliest_usd:
        return costliest_usd
    config = state.settings
    own_model = config.planner_model if step is None else state.step(step).model
    return costs.largest_response_usd(own_model or config.model)


def spent_usd(state: RunState) -> float:
    """What counts against the cap on costs."""
    costliest = max(state.costliest.values(), default=0.0)
    return state.totals.cost_usd + state.totals.unpriced * costliest


def spent_tokens(state: RunState) -> int:
    """What counts against the cap on tokens."""
    return state.totals.tokens + state.uncounted * (state.largest_call_tokens or 0)


def _assumed(unknown: int) -> str:
    return f" ({unknown} replies that did not say are taken for the largest)" if unknown else ""
