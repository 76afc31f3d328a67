"""What a `RunResumed` does to the state: which settings count, what is opened or unsure again.

Part of the fold; every other event is in `fold.py`.
"""

from __future__ import annotations

import msgspec

from maker.core import events as e
from maker.core.effects import has_effects
from maker.core.isolation import leaves_no_trace
from maker.core.models import TaskConfig
from maker.core.state import Execution, Lane, Planning, RunState, answered, changed

PAUSED_BY_SETTINGS = frozenset({"model", "settings"})
"""Reasons of a pause that only other settings can end."""
AT_ONCE = ("max_voting_samples", "accept")
"""Settings that a vote that has begun takes, too, so that an undecided one can go on, or one whose
answers could not be checked."""
WHERE = ("cwd", "add_dirs", "mcp_servers")
"""Settings that say where: they take effect at once, those that say how at the next try."""
LEFT_CALLS_OPEN = frozenset({"signal", "ambiguous"})
"""Reasons of a pause after which a call may have acted; before any other, all have ended."""


def resume(state: RunState, event: e.RunResumed) -> None:
    """Let the run go on: with new settings, and with what had failed opened again."""
    state.config = changed(state.settings, {"dry_run": False, **event.options})
    state.told = answered(state)
    was_failed, reason = state.status == "failed", state.reason
    in_order = state.status == "paused" and reason not in LEFT_CALLS_OPEN
    state.status, state.reason, state.detail, state.finished = "running", "", "", None
    if event.rules > state.rules:
        state.rules = event.rules
        _judge_anew(state)
    names = (*WHERE, *AT_ONCE) if event.rules >= 3 else WHERE
    at_once = {name: getattr(state.settings, name) for name in names}
    for lane in state.execution.lanes.values():
        if event.rules >= 2:
            lane.config = msgspec.structs.replace(lane.config, **at_once)
        may_have_acted = lane.started and not lane.replies and has_effects(lane.effect)
        if may_have_acted and state.plan is not None:
            step = state.step(lane.step)
            may_have_acted = not leaves_no_trace(step, lane.config, lane.effect)
        lane.ambiguous = may_have_acted and (lane.ambiguous or not in_order)
        _renew(lane, state.settings, reason)
    if event.replan:
        plan_again(state, reason or "the user asked for a new plan")
    elif was_failed:
        state.planning.rejections = 0
        state.planning.ends.clear()
        _reopen(state.execution)


def plan_again(state: RunState, failure: str) -> None:
    """Have the planner asked for what remains, because of this."""
    planning, state.phase = state.planning, "submitted"
    state.planning = Planning(
        attempt=planning.attempt + 1, replies=planning.replies, failure=failure
    )


def _judge_anew(state: RunState) -> None:
    """The samples of open tries stay; what older rules made of them does not count."""
    for lane in state.execution.lanes.values():
        if lane.started:
            red_flagged = state.totals.red_flagged - len(lane.flagged)
            state.totals = msgspec.structs.replace(state.totals, red_flagged=red_flagged)
            lane.flagged, lane.vote = set(), None
            lane.ends.clear()


def _renew(lane: Lane, settings: TaskConfig, reason: str) -> None:
    """New settings count where no vote has begun; a vote that cannot go on with its own is over."""
    if lane.started and not lane.replies:
        lane.config = settings
    elif lane.started and reason in PAUSED_BY_SETTINGS and lane.config != settings:
        lane.started = False
        lane.first_try += 1  # a try that was given up is none of those that failed


def _reopen(execution: Execution) -> None:
    """Give what failed its tries, and a repeated step its passes, again."""
    execution.failed_step, execution.first_pass = None, execution.pass_number
    execution.outcomes = [each for each in execution.outcomes if each.status != "failed"]
    if execution.loop:
        execution.loop.failed = {}
    for lane in execution.failed_lanes.values():
        lane.first_try, lane.final, lane.end = lane.try_number + 1, False, ""
        lane.ends.clear()
    execution.lanes |= execution.failed_lanes
    execution.failed_lanes = {}
