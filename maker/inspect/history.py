"""What the commands show of runs, built from a run's row and its log. Pure data, nothing printed.

The vote tables of one step are in `votes.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from maker.core import events as e
from maker.core.fold import fold
from maker.core.kinds import kind_of
from maker.core.models import AgentReply, Census, PlanStep, RunId, Totals, Value
from maker.core.state import RunState
from maker.store.queries import RunRow

StepStatus = Literal["completed", "failed", "running", "unfinished", "skipped", "not run"]

SHORT_ID_LENGTH = 8


class Spending(Value, frozen=True, kw_only=True):
    """What some calls cost; `unpriced` of the replies did not say."""

    cost_usd: float = 0.0
    tokens: int = 0
    replies: int = 0
    retries: int = 0
    unpriced: int = 0


class StepView(Value, frozen=True, kw_only=True):
    """One step of the plan and what became of it, over all its iterations and tries."""

    step: int
    title: str
    status: StepStatus
    iterations: int
    spending: Spending
    red_flagged: int
    votes: int
    contested: int
    undecided: int
    least_margin: int | None
    note: str = ""
    error: str = ""
    output: Any = None


class RunView(Value, frozen=True, kw_only=True):
    """A whole run at a glance; honest where it is partial."""

    run: RunId
    status: str
    reason: str
    detail: str
    instruction: str
    model: str
    voting: str
    simulated: bool
    started_at: float
    updated_at: float
    reasoning: str
    steps: list[StepView]
    planning: Spending
    totals: Totals
    has_result: bool
    result: Any
    census: Census | None
    head_seq: int
    head_hash: str


def short_id(run: RunId) -> str:
    """The end of a run id: enough to name it in a command."""
    return run[-SHORT_ID_LENGTH:]


def status(row: RunRow) -> str:
    """The status of a run, with the reason where it is paused or something is missing."""
    why = row.summary.reason.replace("_", " ")
    if row.status == "completed" and why:
        return f"completed, {row.summary.reason.partition(':')[0]}"
    return f"paused ({why})" if row.status == "paused" and why else row.status


def document(row: RunRow) -> dict[str, Any]:
    """The row of a run for programs."""
    summary = msgspec.to_builtins(row.summary)
    return {
        "run": row.run_id,
        **summary,
        "status": row.status,
        "simulated": not kind_of(row.summary.agent).is_paid,
        "head_seq": row.head_seq,
        "head_hash": row.head_hash,
    }


def overview(row: RunRow, log: Sequence[e.Event]) -> RunView:
    """The run with each step of its plan."""
    state = fold(log)
    config = state.settings
    of_step = by_step(log)
    finished = isinstance(state.finished, e.TaskCompleted)
    return RunView(
        run=row.run_id,
        status=row.status,
        reason=state.reason,
        detail=state.detail,
        instruction=config.instruction,
        model=config.model,
        voting="none" if config.voting_strategy == "none" else config.voting.words,
        simulated=not kind_of(config.agent).is_paid,
        started_at=state.started_at,
        updated_at=state.updated_at,
        reasoning=state.plan.reasoning if state.plan else "",
        steps=[
            _step_view(step, state, row.status, of_step[step.step])
            for step in (state.plan.steps if state.plan else [])
        ],
        planning=spending(event for event in log if _is_planning(event)),
        totals=state.totals,
        has_result=finished,
        result=state.finished.result.get("output") if state.finished and finished else None,
        census=state.finished.census if isinstance(state.finished, e.TaskCompleted) else None,
        head_seq=row.head_seq,
        head_hash=row.head_hash,
    )


def by_step(log: Iterable[e.Event]) -> defaultdict[int, list[e.Event]]:
    """The events of each step of the last plan, in order."""
    found: defaultdict[int, list[e.Event]] = defaultdict(list)
    for event in log:
        if isinstance(event, e.PlanCreated):
            for number in found.keys() - {*event.kept}:
                del found[number]
        lane = e.lane(event)
        if lane is not None:
            found[lane[0]].append(event)
    return found


def spending(events: Iterable[e.Event]) -> Spending:
    """The sum over all calls among the events."""
    cost_usd, tokens, unpriced, retries = 0.0, 0, 0, 0
    replies: list[AgentReply] = []
    for event in events:
        match event:
            case e.AgentReplied():
                replies.append(event.reply)
            case e.AgentRetried():
                cost_usd, retries = cost_usd + event.cost_usd, retries + 1
            case _:
                pass
    for reply in replies:
        cost_usd += reply.cost_usd or 0.0
        unpriced += reply.cost_usd is None
        tokens += reply.usage.total if reply.usage else 0
    return Spending(
        cost_usd=round(cost_usd, 9),
        tokens=tokens,
        replies=len(replies),
        retries=retries,
        unpriced=unpriced,
    )


def _step_view(
    step: PlanStep, state: RunState, run_status: str, events: Sequence[e.Event]
) -> StepView:
    votes = [event for event in events if isinstance(event, e.VoteCompleted)]
    outcome = next((found for found in state.execution.outcomes if found.step == step.step), None)
    started = [event for event in events if isinstance(event, e.StepStarted)]
    return StepView(
        step=step.step,
        title=step.title,
        status=_step_status(step, state, run_status, bool(started)),
        iterations=len({event.iteration for event in started}),
        spending=spending(events),
        red_flagged=sum(isinstance(event, e.SampleRedFlagged) for event in events),
        votes=len(votes),
        contested=sum(len(vote.answers) > 1 for vote in votes),
        undecided=sum(vote.winner is None for vote in votes),
        least_margin=min((v.margin for v in votes if v.winner is not None), default=None),
        note=next((event.note for event in started if event.note), ""),
        error=outcome.error if outcome else "",
        output=outcome.output if outcome else None,
    )


def _step_status(step: PlanStep, state: RunState, run_status: str, was_started: bool) -> StepStatus:
    for outcome in state.execution.outcomes:
        if outcome.step == step.step:
            return outcome.status
    if was_started:
        return "running" if run_status == "running" else "unfinished"
    return "skipped" if state.status == "completed" else "not run"


def _is_planning(event: e.Event) -> bool:
    return isinstance(event, e.AgentReplied | e.AgentRetried) and e.lane(event) is None
