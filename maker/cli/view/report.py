"""What opens and closes a session on stderr, and its exit code. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping

from maker.agents.credentials import credential_source
from maker.cli.view.render import count, money, reason
from maker.core import events as e
from maker.core.config import COST_CAP_USD
from maker.core.effects import FETCH
from maker.core.kinds import kind_of
from maker.core.models import RunId, TaskConfig
from maker.core.policy import granted, missing_grants
from maker.core.state import RunState
from maker.core.text import one_line
from maker.core.web import grants_for
from maker.engine import budget
from maker.errors import Exit
from maker.steps.red_flags import DENIED
from maker.store.location import shown

EXIT_OF_PAUSE = {
    "dry_run": Exit.DONE,
    "model": Exit.USAGE,
    "settings": Exit.USAGE,
    "approval": Exit.NEEDS_USER,
    "user": Exit.NEEDS_USER,
    "question": Exit.NEEDS_USER,
    "ambiguous": Exit.NEEDS_USER,
    "undecided": Exit.NEEDS_USER,
    "tools": Exit.NEEDS_USER,
    "mcp": Exit.NEEDS_USER,
    "budget": Exit.CAP_REACHED,
    "rate_limit": Exit.TRY_LATER,
    "network": Exit.TRY_LATER,
}
"""By the reason of a pause; every other reason is that no agent can be asked yet."""


def exit_code(state: RunState, signum: int | None) -> int:
    """What the process says about the run; `signum` is the signal that stopped it."""
    match state.status:
        case "completed":
            return Exit.INCOMPLETE if is_incomplete(state) else Exit.DONE
        case "paused" if state.reason == "signal":
            return Exit.of_signal(signum) if signum else Exit.BROKEN_PIPE
        case "paused":
            return EXIT_OF_PAUSE.get(state.reason, Exit.NO_AGENT)
        case "running" if signum:
            return Exit.of_signal(signum)
        case _:
            return Exit.FAILED


def is_incomplete(state: RunState) -> bool:
    """Whether a completed run has a hole in it that the user did not allow."""
    finished = state.finished
    census = finished.census if isinstance(finished, e.TaskCompleted) else None
    return bool(census and census.missing) and not state.settings.allow_missing


def first_line(run: RunId, config: TaskConfig, environ: Mapping[str, str]) -> str:
    """Run id, model, where the credentials come from, and what may be spent."""
    if not kind_of(config.agent).is_paid:
        return f"run {run}: {config.agent} agent, nothing is bought; {_cap(config)}"
    source = credential_source(environ)
    planner = config.planner_model or config.model
    models = config.model if planner == config.model else f"{config.model}, planner {planner}"
    return (
        f"run {run}: model {one_line(models)}; credentials: {source}; {_cap(config)}; "
        "costs are estimated at list price"
    )


def last_lines(
    run: RunId, state: RunState, head: tuple[int, bytes], url: str, *, files: str, db: str | None
) -> list[str]:
    """How it ended, what it cost, where it is, and the commands that go on from here."""
    totals = state.totals
    cost = money(totals.cost_usd, simulated=not kind_of(state.settings.agent).is_paid)
    unknown = f", and {count(totals.unpriced, 'reply')} of unknown cost" if totals.unpriced else ""
    used = f"{count(totals.samples, 'sample')}, {count(totals.tokens, 'token')}"
    lines = {
        "status": _status(state),
        "note": _note(state),
        "cost": f"{cost}{unknown} ({used})",
        "files": files,
        "head": f"{head[1].hex()} (event {head[0]})",
        "database": one_line(shown(url), 300),
        "resume": resume_command(run, state, db),
        "show": _command("show", run, db),
        "replay": _command("replay", run, db),
    }
    return [f"{name:<9} {text}" for name, text in lines.items() if text]


def resume_command(run: RunId, state: RunState, db: str | None) -> str:
    """The command that goes on with the run, with what it lacked; empty where there is none."""
    if state.status in ("completed", "cancelled"):
        return ""
    if state.status == "failed":
        return _command("resume", run, db) + _after_failure(state)
    more = ""
    if state.status == "paused" and state.reason == "approval":
        missing = shlex.quote(",".join(missing_grants(state)))
        more = f" --allow {missing}" if missing_grants(state) else ""
    elif state.status == "paused" and state.reason == "ambiguous":
        more = " --on-ambiguous retry"
    elif state.status == "paused" and state.reason == "question" and state.planning.question:
        more = ' --answer "..."'
    elif state.status == "paused" and state.reason == "undecided":
        more = " --choose NUMBER"
    elif state.status == "paused" and state.reason == "model":
        more = " --model NAME"
    elif state.status == "paused" and state.reason == "budget":
        more = _higher_cap(state)
    return _command("resume", run, db) + more


def _after_failure(state: RunState) -> str:
    """What may keep the step that failed from failing again, where that is known."""
    failed = next(
        (outcome for outcome in state.execution.outcomes if outcome.status == "failed"), None
    )
    if failed is None:
        return ""
    if failed.end == "cannot":
        return " --replan"
    if f"{DENIED}: " in failed.error and FETCH in failed.error:
        grants = grants_for([failed.error], granted(state, state.settings))
        return f" --allow {shlex.quote(','.join(grants))}" if grants else ""
    return ""


def _higher_cap(state: RunState) -> str:
    """The option that lifts the cap that was reached to twice its height, or what was used.

    Twice nothing is nothing: a cap of 0 becomes the usual one, or none.
    """
    config, totals = state.settings, state.totals
    spent_usd, spent_tokens = budget.spent_usd(state), budget.spent_tokens(state)
    if config.max_cost_usd is not None and spent_usd >= config.max_cost_usd:
        overshot = spent_usd > 2 * config.max_cost_usd
        higher = math.ceil(2 * spent_usd) if overshot else 2 * config.max_cost_usd
        return f" --max-cost-usd {higher or COST_CAP_USD:g}"
    if config.max_tokens is not None and spent_tokens >= config.max_tokens:
        return f" --max-tokens {2 * max(config.max_tokens, spent_tokens) or 'none'}"
    if config.max_samples is not None and totals.samples >= config.max_samples:
        return f" --max-samples {2 * config.max_samples or 'none'}"
    if config.max_minutes is None:
        return ""
    return (
        f" --max-minutes {2 * config.max_minutes:g}"
        if config.max_minutes
        else " --max-minutes none"
    )


def _command(name: str, run: RunId, db: str | None) -> str:
    place = f" --db {shlex.quote(one_line(shown(db), 300))}" if db else ""
    return f"maker {name} {run}{place}"


def _cap(config: TaskConfig) -> str:
    return "no cap" if config.max_cost_usd is None else f"cap {money(config.max_cost_usd)}"


def _status(state: RunState) -> str:
    why = reason(state.reason) if state.status == "paused" else one_line(state.reason, 300)
    detail = one_line(state.detail, 300)
    if state.status == "completed" and why:
        return f"completed, {why}"
    return ": ".join(part for part in (state.status, why, detail) if part)


def _note(state: RunState) -> str:
    """What of the answer nobody should take for agreed on, or for plainly said."""
    finished = state.finished
    census = finished.census if isinstance(finished, e.TaskCompleted) else None
    if census is None or not census.repaired:
        return ""
    return f"{count(census.repaired, 'answer')} could be read only by guessing: see `maker show`"
