"""What is known of a run: the values that decisions are made from.

They are changed by `fold.py` and `resuming.py` alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.models import (
    PIPELINE_END,
    AgentReply,
    CallKey,
    Digest,
    Effect,
    MissingItem,
    Plan,
    PlanStep,
    Problem,
    RunStatus,
    RunSummary,
    TaskConfig,
    Totals,
)
from maker.core.strategies import Strategy
from maker.errors import ConfigError

Phase = Literal["submitted", "planned", "rejected", "refused", "validated", "executing"]
"""`rejected`: the planner is asked again; `refused`: the user's plan is not valid."""


@dataclass(slots=True)
class Lane:
    """One (step, iteration) that is not over: its current try and what is known of it."""

    step: int
    iteration: int
    config: TaskConfig
    started: bool = False
    try_number: int = -1
    first_try: int = 0
    effect: Effect = "pure"
    strategy: Strategy = "none"
    note: str = ""
    replies: dict[int, AgentReply] = field(default_factory=dict)
    flagged: set[int] = field(default_factory=set)
    checks: dict[Digest, e.AnswerChecked] = field(default_factory=dict)
    vote: e.VoteCompleted | None = None
    chosen: int | None = None
    applied: e.ChangesApplied | None = None
    ends: Counter[str] = field(default_factory=Counter)
    final: bool = False
    end: str = ""
    failures: list[str] = field(default_factory=list)
    ambiguous: bool = False
    cost_usd: float = 0.0
    tokens: int = 0
    duration_ms: int = 0


@dataclass(slots=True)
class ForEach:
    """The `for_each` step that is running: its list, and how far its items are."""

    step: int
    items: int
    values: list[Any] = field(default_factory=list)
    next_item: int = 0
    outputs: dict[int, Any] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether every item has its output or has failed."""
        return len(self.outputs) + len(self.failed) == self.items


@dataclass(slots=True)
class StepOutcome:
    """One line of a run's result; `marks` counts answers that are there but not agreed on."""

    step: int
    title: str
    status: Literal["completed", "failed"]
    output: Any = None
    error: str = ""
    end: str = ""
    items: int = 0
    missing: list[MissingItem] = field(default_factory=list)
    marks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A step that was completed under some plan: what it was, its outcome, and what it was given.

    `inputs` are the outputs of the steps that it reads, without those that were skipped.
    """

    step: PlanStep
    outcome: StepOutcome
    inputs: dict[int, Any]


@dataclass(slots=True)
class Planning:
    """The way to a plan that can be carried out: what was asked, answered and refused.

    `question` is what the planner must know before it goes on.
    """

    attempt: int = 0
    rejections: int = 0
    problems: list[Any] = field(default_factory=list)
    rejected_text: str = ""
    ends: Counter[str] = field(default_factory=Counter)
    replies: dict[CallKey, AgentReply] = field(default_factory=dict)
    failure: str = ""
    question: str = ""


@dataclass(slots=True)
class Execution:
    """One plan from its creation to its end, or to the next plan: where it is and what it gave.

    `kept` are outcomes of a plan before, of steps that the cursor has not reached yet. `lanes` are
    those that have a next move; one that has failed is put aside, until it is opened again.
    `marks` are those of the step that is under way, in all its items and passes.
    """

    planned: e.PlanCreated | None = None
    passed: e.ValidationPassed | None = None
    approved: list[str] = field(default_factory=list)
    kept: dict[int, StepOutcome] = field(default_factory=dict)
    tries_begin: int = 0
    cursor: int = 0
    outputs: dict[int, Any] = field(default_factory=dict)
    outcomes: list[StepOutcome] = field(default_factory=list)
    failed_step: int | None = None
    pass_number: int = 0
    first_pass: int = 0
    last_output: Any = None
    loop: ForEach | None = None
    marks: Counter[str] = field(default_factory=Counter)
    lanes: dict[tuple[int, int], Lane] = field(default_factory=dict)
    failed_lanes: dict[tuple[int, int], Lane] = field(default_factory=dict)


@dataclass(slots=True)
class RunState:
    """Everything that decisions are made from; owned by the log that folds it."""

    submitted: e.TaskSubmitted | None = None
    config: TaskConfig | None = None
    rules: int = 1
    status: RunStatus = "running"
    reason: str = ""
    detail: str = ""
    phase: Phase = "submitted"
    planning: Planning = field(default_factory=Planning)
    execution: Execution = field(default_factory=Execution)
    earlier: list[StepOutcome] = field(default_factory=list)
    finished_steps: dict[int, FinishedStep] = field(default_factory=dict)
    highest_try: int = -1
    replans: int = 0
    answers: dict[tuple[CallKey, str], str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    costliest: dict[int | None, float] = field(default_factory=dict)
    largest_call_tokens: int | None = None
    uncounted: int = 0
    started_at: float = 0.0
    updated_at: float = 0.0
    active_s: float = 0.0
    waits_until: float = 0.0
    finished: e.TaskCompleted | e.TaskFailed | None = None

    @property
    def plan(self) -> Plan | None:
        """The plan that is being validated or executed."""
        planned = self.execution.planned
        return planned.plan if planned else None

    @property
    def settings(self) -> TaskConfig:
        """The configuration in force; only a log without its first event has none."""
        assert self.config is not None, "the log has no TaskSubmitted"
        return self.config

    @property
    def task(self) -> e.TaskSubmitted:
        """The first event."""
        assert self.submitted is not None, "the log has no TaskSubmitted"
        return self.submitted

    def step(self, number: int) -> PlanStep:
        """A step of the current plan by its number."""
        assert self.plan is not None, "there is no plan"
        return self.plan.steps[number]

    def reply(self, key: CallKey) -> AgentReply | None:
        """The reply to a call that is still of use."""
        place = keys.sample_place(key)
        if place is None:
            return self.planning.replies.get(key)
        lane = self.execution.lanes.get(place.lane)
        if lane is None or lane.try_number != place.try_number:
            return None
        return lane.replies.get(place.sample)


def changed(config: TaskConfig, options: dict[str, Any]) -> TaskConfig:
    """The configuration with some settings replaced. Raises ConfigError on unusable ones."""
    settings = {**msgspec.structs.asdict(config), **options}
    try:
        return msgspec.convert(msgspec.to_builtins(settings), TaskConfig)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(
            f"the settings cannot be used: {error}", advice="See `maker run --help`."
        ) from error


def answered(state: RunState) -> dict[str, str]:
    """What the user has said so far; a call is told it, but never what is said during it."""
    return {question: answer for (_, question), answer in state.answers.items() if answer}


def summary(state: RunState) -> RunSummary:
    """The run's row for lists."""
    config, reason = state.settings, state.reason
    if state.status == "running" and state.waits_until > state.updated_at:
        until = datetime.fromtimestamp(state.waits_until, UTC)
        reason = until.strftime("waiting until %Y-%m-%d %H:%M UTC")
    return RunSummary(
        instruction=config.instruction,
        status=state.status,
        reason=reason,
        model=config.model,
        agent=config.agent,
        started_at=state.started_at,
        updated_at=state.updated_at,
        steps_done=sum(o.status == "completed" for o in state.execution.outcomes),
        steps_total=len(state.plan.steps) if state.plan else 0,
        totals=state.totals,
    )


def is_over(state: RunState) -> bool:
    """Whether the cursor has left the plan."""
    return state.phase == "executing" and state.execution.cursor == PIPELINE_END


def problems_text(errors: Iterable[Any]) -> str:
    """Problems of a plan in one line; entries are usually mappings, or values of `Problem`."""
    parts = []
    for error in errors:
        if isinstance(error, Problem):
            error = msgspec.to_builtins(error)
        if isinstance(error, dict):
            where = f" (step {error['step']})" if error.get("step") is not None else ""
            parts.append(f"{error.get('check', 'check')}{where}: {error.get('message', '')}")
        else:
            parts.append(str(error))
    return "; ".join(parts)
