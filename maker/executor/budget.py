"""Caps on what a run may use, reserved before a call is launched.

The rule: a call is launched if what is spent and what the calls under way may still cost stays
below the cap. What a call may cost is the costliest one so far; while nothing is known, one call
goes ahead alone. So a cap is overshot by one call at most, however many run at once. A reply that
does not say what it used is taken for the costliest, too: unknown is not nothing.
"""

from __future__ import annotations

from typing import Literal

from maker.core.models import CallKey
from maker.core.state import RunState

Verdict = Literal["go", "wait"]


def verdict(state: RunState, under_way: int, samples_under_way: int, now: float) -> Verdict | str:
    """Whether one more call may be launched; any other text is the cap that forbids it."""
    config, totals = state.settings, state.totals
    active_s = state.active_s + max(0.0, now - state.updated_at)
    if config.max_minutes is not None and active_s >= 60 * config.max_minutes:
        return f"{active_s / 60:.1f} of {config.max_minutes:g} minutes used"
    if config.max_samples is not None:
        if totals.samples >= config.max_samples:
            return f"{totals.samples} of {config.max_samples} samples used"
        if totals.samples + samples_under_way >= config.max_samples:
            return "wait"
    cost_usd, tokens = spent_usd(state), spent_tokens(state)
    checks = (
        _amount(cost_usd, config.max_cost_usd, state.costliest_call_usd, under_way),
        _amount(tokens, config.max_tokens, state.largest_call_tokens, under_way),
    )
    if checks[0] == "stop":
        assumed = _assumed(totals.unpriced)
        return f"${cost_usd:.4f} of ${config.max_cost_usd:.2f} spent{assumed}"
    if checks[1] == "stop":
        return f"{tokens} of {config.max_tokens} tokens used{_assumed(state.uncounted)}"
    return "wait" if "wait" in checks else "go"


def spent_usd(state: RunState) -> float:
    """What counts against the cap on costs."""
    return state.totals.cost_usd + state.totals.unpriced * (state.costliest_call_usd or 0.0)


def spent_tokens(state: RunState) -> int:
    """What counts against the cap on tokens."""
    return state.totals.tokens + state.uncounted * (state.largest_call_tokens or 0)


def _assumed(unknown: int) -> str:
    return f" ({unknown} replies that did not say are taken for the largest)" if unknown else ""


def _amount(spent: float, cap: float | None, largest: float | None, under_way: int) -> str:
    if cap is None:
        return "go"
    if spent >= cap:
        return "stop"
    if under_way == 0:
        return "go"
    return "go" if largest is not None and spent + under_way * largest < cap else "wait"


def is_sample(key: CallKey) -> bool:
    """Whether the call is a sample of a step (the planner's and the judge's calls are not)."""
    return key.startswith("step/")
