"""Who acts next, and how often something is tried again. Every limit of that kind lives here."""

from __future__ import annotations

import msgspec

from maker.core import events as e
from maker.core.checking import is_function
from maker.core.config import DEFAULT_MODEL, PLANNER_TOOLS
from maker.core.effects import (
    FETCH,
    effect_of,
    effect_of_step,
    grants_needed,
    has_effects,
)
from maker.core.grants import AGAIN
from maker.core.kinds import kind_of
from maker.core.models import Plan, PlanStep, TaskConfig
from maker.core.moves import Decision, Dispatch, Emit, Pause
from maker.core.permissions import can_confine, cannot_confine, edits_files
from maker.core.state import Lane, RunState, problems_text
from maker.core.text import one_line
from maker.core.web import grants_for, plain_hosts_in

CURRENT_SONNET = "claude-sonnet-5-5"
SUCCESSORS = {DEFAULT_MODEL: CURRENT_SONNET}
"""Pinned successors of models that were a default once and may be retired."""

MAX_WAITS = 12
"""Faults in a row after which a call gives up and the run pauses."""
WAITS_BEFORE_ANY_REPLY = 5
"""The same for a network that has never worked in this run: a wrong address, not an outage."""
LONGEST_WAIT_S = 900.0
"""A longer wait is for the end of a usage limit: it is sat out only where the user says so."""
ALIKE = 2
"""So many failures of a kind that the same request must give again are enough."""
STEP_ENDS = {
    "refusal": "Say the step differently, or use another model.",
    "bad_request": "The API does not take the request as it is; its message says why.",
    "prompt_too_long": "Let the steps before return less, or split the work with for_each.",
}
"""Failures that end their step where they come twice, and what the user can do about each."""
TRY_ENDS = {"too_long", "max_tokens"}
"""Failures that end a vote where they come twice: the next try is told of the limit."""
_FIRST_WAIT_S = 1.0
_BACKOFF_LIMIT_S = 60.0


def pinned(config: TaskConfig) -> TaskConfig:
    """The configuration with what its defaults stand for today, so that a log says it.

    The default model is the current Sonnet, but where a user named it.
    """
    if config.planner_tools is None:
        config = msgspec.structs.replace(config, planner_tools=PLANNER_TOOLS)
    names = {"model", "planner_model"} - {*config.named_models}
    swaps = {name: CURRENT_SONNET for name in names if getattr(config, name) == DEFAULT_MODEL}
    return msgspec.structs.replace(config, **swaps) if swaps else config


def decide(state: RunState) -> Decision | None:
    """The next decision of a run; None when it is over or paused."""
    if state.submitted is None or state.status != "running":
        return None
    match state.phase:
        case "submitted" | "rejected" if state.planning.question:
            return Pause("question", state.planning.question)
        case "submitted" | "rejected" if may_plan(state):
            return Dispatch("planner", state.submitted)
        case "submitted" | "rejected" | "refused":
            return Emit(_no_plan(state))
        case "planned":
            assert state.execution.planned is not None
            return Dispatch("validator", state.execution.planned)
        case "validated" | "executing":
            assert state.execution.passed is not None
            return _before_effects(state) or Dispatch("executor", state.execution.passed)


def may_plan(state: RunState) -> bool:
    """Whether the planner is asked (again); a plan that the user gave is never replaced by it."""
    is_waiting = state.phase in ("submitted", "rejected") and not state.planning.question
    is_futile = any(times >= ALIKE for times in state.planning.ends.values())
    return (
        is_waiting
        and not is_futile
        and state.planning.rejections <= state.settings.max_planner_retries
    )


def missing_grants(state: RunState) -> list[str]:
    """The grants that the plan needs and nobody has given."""
    if state.plan is None:
        return []
    named = {
        tool for step in state.plan.steps for tool in [*step.primary_tools, *step.fallback_tools]
    }
    tools, grants = state.task.tools, granted(state, state.settings)
    needed = grants_needed(sorted(named), tools)
    if commands_of(state.plan, state.settings) and "bash" not in needed:
        needed.append("bash")
    missing = [grant for grant in needed if grant not in grants]
    if FETCH in named and "web" not in missing:
        texts = [text for step in state.plan.steps for text in step.texts]
        missing += grants_for(texts, grants)
    again = (f"{AGAIN}{number}" for number in done_again(state))
    return [*missing, *(grant for grant in again if grant not in grants)]


def commands_of(plan: Plan, config: TaskConfig) -> list[str]:
    """The commands that answers must satisfy under this plan, word for word, each once."""
    named = [*config.accept, *(command for step in plan.steps for command in step.accept)]
    return [command for command in dict.fromkeys(named) if not is_function(command)]


def granted(state: RunState, config: TaskConfig) -> list[str]:
    """What was agreed to: by the settings, for this plan, and by what the instruction names.

    Logs of release 0.1.0 record the web as no more than reading, which needs no grant.
    """
    hosts = plain_hosts_in(config.instruction)
    grants = {*config.allow, *state.execution.approved, *(f"web:{host}" for host in hosts)}
    if effect_of(FETCH, state.task.tools) == "read":
        grants.add("web")
    return sorted(grants)


def done_again(state: RunState) -> list[int]:
    """The steps with effects that have finished, and that the plan would do once more."""
    kept = {*state.execution.kept, *(outcome.step for outcome in state.execution.outcomes)}
    steps = state.plan.steps if state.plan else []
    before = state.finished_steps
    return [
        step.step
        for step in steps
        if step.step in before
        and step.step not in kept
        and _has_effects(state, step)
        and _has_effects(state, before[step.step].step)
    ]


def _has_effects(state: RunState, step: PlanStep) -> bool:
    return has_effects(effect_of_step(step, state.task.tools))


def retry_wait_s(
    state: RunState, kind: str, waits: int, retry_after_s: float | None
) -> float | None:
    """How long to wait before a call is asked again after its n-th fault; None: give up."""
    wait_s = min(_FIRST_WAIT_S * 2**waits, _BACKOFF_LIMIT_S)
    wait_s = max(wait_s, retry_after_s or 0.0)
    has_worked = bool(state.planning.replies) or state.totals.samples > 0
    most = MAX_WAITS if has_worked or kind != "network" else WAITS_BEFORE_ANY_REPLY
    longest_s = LONGEST_WAIT_S
    if kind == "rate_limit" and retry_after_s is not None:
        longest_s = max(longest_s, state.settings.wait_hours * 3600)
    return None if waits >= most or wait_s > longest_s else wait_s


def may_try_again(state: RunState, lane: Lane) -> bool:
    """Whether a failed try of a step is followed by another."""
    return lane.try_number - lane.first_try < state.settings.step_max_retries


def _no_plan(state: RunState) -> e.TaskFailed:
    attempts = f"no valid plan after {state.planning.rejections} attempts"
    whose = "your plan is not valid" if state.phase == "refused" else attempts
    return e.TaskFailed(
        error=f"{whose}: {problems_text(state.planning.problems)}",
        total_cost_usd=state.totals.cost_usd,
        total_duration_ms=state.totals.duration_ms,
        totals=state.totals,
        result={"status": "failed", "steps": [], "output": None},
    )


def _before_effects(state: RunState) -> Pause | None:
    config, steps = state.settings, state.plan.steps if state.plan else []
    if config.dry_run:
        return Pause("dry_run", "the plan is valid; nothing was executed")
    writes = any(edits_files([*step.primary_tools, *step.fallback_tools]) for step in steps)
    in_folder = config.cwd and kind_of(config.agent).uses_tools
    if writes and in_folder and not can_confine(config.cwd):  # said before the first step is done
        unusable = cannot_confine(config.cwd)
        return Pause("settings", f"{unusable.message}. {unusable.advice}")
    missing = missing_grants(state)
    if missing:
        assert state.plan is not None, "there is no plan that needs consent"
        commands = [f"`{one_line(command)}`" for command in commands_of(state.plan, config)]
        accepting = f" (answers must be accepted by {', '.join(commands)})" if commands else ""
        return Pause("approval", f"the plan needs consent for: {', '.join(missing)}{accepting}")
    return None
