"""What the commands show of runs, built from a run's row and its log. Pure data, nothing printed.

The vote tables of one step are in `votes.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import msgspec

from maker.core import events as e
from maker.core.fold import apply
from maker.core.kinds import kind_of
from maker.core.models import Census, PlanStep, RunId, Totals, Value
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
    if row.status == "running" and why:
        return f"running, {why}"
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


def overview(row: RunRow, log: Iterable[e.Event]) -> tuple[RunView, RunState]:
    """The run with each step of its plan, and its state; the log is read once, and not kept."""
    state, planning = RunState(), Spent()
    steps: defaultdict[int, _StepCount] = defaultdict(_StepCount)
    for event in log:
        apply(state, event)
        if isinstance(event, e.PlanCreated):
            for number in steps.keys() - {*event.kept}:
                del steps[number]
        lane = e.lane(event)
        if lane is None:
            planning.add(event)
        else:
            steps[lane[0]].add(event)
    return _run_view(row, state, planning, steps), state


def _run_view(
    row: RunRow, state: RunState, planning: Spent, steps: Mapping[int, _StepCount]
) -> RunView:
    config, finished = state.settings, state.finished
    completed = finished if isinstance(finished, e.TaskCompleted) else None
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
            _step_view(step, state, row.status, steps.get(step.step) or _StepCount())
            for step in (state.plan.steps if state.plan else [])
        ],
        planning=planning.total(),
        totals=state.totals,
        has_result=completed is not None,
        result=completed.result.get("output") if completed else None,
        census=completed.census if completed else None,
        head_seq=row.head_seq,
        head_hash=row.head_hash,
    )


@dataclass(slots=True)
class Spent:
    """What calls cost, added up one by one."""

    cost_usd: float = 0.0
    tokens: int = 0
    replies: int = 0
    retries: int = 0
    unpriced: int = 0

    def add(self, event: e.Event) -> None:
        """Count the event, if it is that of a call."""
        match event:
            case e.AgentReplied(reply=reply):
                self.replies += 1
                self.cost_usd += reply.cost_usd or 0.0
                self.unpriced += reply.cost_usd is None
                self.tokens += reply.usage.total if reply.usage else 0
            case e.AgentRetried():
                self.cost_usd, self.retries = self.cost_usd + event.cost_usd, self.retries + 1
            case _:
                pass

    def total(self) -> Spending:
        """The sum so far."""
        return Spending(**{**asdict(self), "cost_usd": round(self.cost_usd, 9)})


def spending(events: Iterable[e.Event]) -> Spending:
    """The sum over all calls among the events."""
    spent = Spent()
    for event in events:
        spent.add(event)
    return spent.total()


@dataclass(slots=True)
class _StepCount:
    """The events of one step, counted."""

    spent: Spent = field(default_factory=Spent)
    iterations: int = 0
    red_flagged: int = 0
    votes: int = 0
    contested: int = 0
    undecided: int = 0
    least_margin: int | None = None
    note: str = ""

    def add(self, event: e.Event) -> None:
        self.spent.add(event)
        match event:
            case e.StepStarted():
                self.iterations = max(self.iterations, event.iteration + 1)
                self.note = self.note or event.note
            case e.SampleRedFlagged():
                self.red_flagged += 1
            case e.VoteCompleted():
                self.votes += 1
                self.contested += len(event.answers) > 1
                self.undecided += event.winner is None
                if event.winner is not None:
                    margins = (event.margin, self.least_margin)
                    self.least_margin = min(margin for margin in margins if margin is not None)
            case _:
                pass


def _step_view(step: PlanStep, state: RunState, run_status: str, counted: _StepCount) -> StepView:
    outcomes = state.execution.outcomes
    outcome = next((outcome for outcome in outcomes if outcome.step == step.step), None)
    status: StepStatus
    if outcome:
        status = outcome.status
    elif counted.iterations > 0:
        status = "running" if run_status == "running" else "unfinished"
    else:
        status = "skipped" if state.status == "completed" else "not run"
    return StepView(
        step=step.step,
        title=step.title,
        status=status,
        iterations=counted.iterations,
        spending=counted.spent.total(),
        red_flagged=counted.red_flagged,
        votes=counted.votes,
        contested=counted.contested,
        undecided=counted.undecided,
        least_margin=counted.least_margin,
        note=counted.note,
        error=outcome.error if outcome else "",
        output=outcome.output if outcome else None,
    )
