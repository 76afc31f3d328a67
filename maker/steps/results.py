"""How a run ends: what each step gave, what is missing, and whether another plan is tried. Pure."""

from __future__ import annotations

from typing import Any

from maker.core import events as e
from maker.core.models import Census
from maker.core.state import RunState


def result_of(state: RunState, status: str) -> dict[str, Any]:
    """Each step once, in plan order, with what became of it; `output` is that of the last one."""
    known = {outcome.step: outcome for outcome in state.execution.outcomes}
    lines: list[dict[str, Any]] = []
    for step in state.plan.steps if state.plan else []:
        outcome = known.get(step.step)
        line: dict[str, Any] = {"step": step.step, "title": step.title}
        if outcome is None:
            line["status"] = "skipped" if status == "completed" else "not run"
        else:
            line |= {"status": outcome.status, "output": outcome.output}
            if outcome.error:
                line["error"] = outcome.error
        lines.append(line)
    done = [outcome for outcome in state.execution.outcomes if outcome.status == "completed"]
    output = done[-1].output if done and status == "completed" else None
    result = {"status": status, "steps": lines, "output": output}
    if state.earlier:
        result["earlier"] = [
            {"step": o.step, "title": o.title, "status": o.status, "output": o.output}
            for o in state.earlier
        ]
    return result


def census(state: RunState) -> Census:
    """What became of each step and item of a run that is complete."""
    missing = [entry for outcome in state.execution.outcomes for entry in outcome.missing]
    steps = len(state.plan.steps) if state.plan else 0
    return Census(
        steps_done=len(state.execution.outcomes),
        steps_not_taken=steps - len(state.execution.outcomes),
        items_done=sum(outcome.items for outcome in state.execution.outcomes) - len(missing),
        items_missing=len(missing),
        repaired=sum(outcome.marks["repaired"] for outcome in state.execution.outcomes),
        by_plurality=sum(outcome.marks["by_plurality"] for outcome in state.execution.outcomes),
        exhausted=sum(outcome.marks["exhausted"] for outcome in state.execution.outcomes),
        missing=missing,
    )


def task_completed(state: RunState) -> e.TaskCompleted:
    """The end of a run whose plan was carried out."""
    return e.TaskCompleted(
        census=census(state),
        result=result_of(state, "completed"),
        total_cost_usd=state.totals.cost_usd,
        total_duration_ms=state.totals.duration_ms,
        totals=state.totals,
    )


def after_failure(state: RunState) -> e.PlanAbandoned | e.TaskFailed:
    """Another plan, once, where the planner's own cannot be carried out; else the end."""
    failed = next(outcome for outcome in state.execution.outcomes if outcome.status == "failed")
    cannot, planned = failed.end == "cannot", state.execution.planned
    how = failed.error if cannot else f"failed: {failed.error}"
    error = f"step {failed.step} ({failed.title}) {how}"
    is_ours = planned is not None and planned.origin == "planner"
    if cannot and is_ours and state.replans < state.settings.replans:
        return e.PlanAbandoned(step=failed.step, reason=error)
    return e.TaskFailed(
        error=error,
        step=failed.step,
        result=result_of(state, "failed"),
        total_cost_usd=state.totals.cost_usd,
        total_duration_ms=state.totals.duration_ms,
        totals=state.totals,
    )
