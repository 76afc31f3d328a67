"""What calls used: the part of the fold that counts money, tokens, samples and time."""

from __future__ import annotations

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.models import Totals
from maker.core.state import RunState


def count_reply(state: RunState, event: e.AgentReplied) -> None:
    """Add a reply to the totals; the time of samples is added when their try is over."""
    reply, place, totals = event.reply, keys.sample_place(event.key), state.totals
    cost_usd, tokens = reply.cost_usd or 0.0, reply.usage.total if reply.usage else 0
    state.totals = Totals(
        cost_usd=round(totals.cost_usd + cost_usd, 9),
        tokens=totals.tokens + tokens,
        samples=totals.samples + (place is not None),
        red_flagged=totals.red_flagged,
        retries=totals.retries,
        duration_ms=totals.duration_ms + (0 if place else reply.duration_ms),
        unpriced=totals.unpriced + (reply.cost_usd is None),
    )
    _note_cost(state, place, cost_usd)
    if reply.usage is None:
        state.uncounted += 1
    else:
        state.largest_call_tokens = max(tokens, state.largest_call_tokens or 0)


def count_retry(state: RunState, event: e.AgentRetried) -> None:
    """Add what a call bought that came to no reply."""
    add(state, cost_usd=event.cost_usd, tokens=event.tokens, retries=1)
    place = keys.sample_place(event.key)
    _note_cost(state, place, event.cost_usd)
    execution = state.execution
    lane = place and (execution.lanes.get(place.lane) or execution.failed_lanes.get(place.lane))
    if lane:
        lane.cost_usd += event.cost_usd
        lane.tokens += event.tokens


def _note_cost(state: RunState, place: keys.SamplePlace | None, cost_usd: float) -> None:
    """Keep the cost of the costliest call of each step, and of those about the plan (None)."""
    step = place.step if place else None
    if cost_usd > state.costliest.get(step, 0.0):
        state.costliest[step] = cost_usd


def add(state: RunState, **amounts: float) -> None:
    """Add to the totals; costs are rounded so that no sum depends on who was fast."""
    old = state.totals
    new = {name: getattr(old, name) + amount for name, amount in amounts.items()}
    if "cost_usd" in new:
        new["cost_usd"] = round(new["cost_usd"], 9)
    state.totals = msgspec.structs.replace(old, **new)
