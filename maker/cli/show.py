"""`maker show`: look into a run, whatever became of it. How it looks is in `run_view.py`."""

from __future__ import annotations

import json

import click
import msgspec

from maker.cli.documents import (
    RUN_HELP,
    StoredRun,
    echo_document,
    echo_text,
    run_argument,
    stored_run,
)
from maker.cli.options import SectionCommand, Whole, db_option, json_option, option
from maker.cli.view import run_view
from maker.cli.view.render import answer_text
from maker.core import events as e
from maker.core.fold import fold
from maker.core.kinds import kind_of
from maker.core.state import RunState
from maker.core.text import one_line
from maker.errors import ConfigError, MakerError
from maker.inspect import history, votes
from maker.plan.plan_text import plan_to_yaml
from maker.steps.moves import result_of
from maker.store.queries import Reader

WHAT = "What to show"


@click.command(
    cls=SectionCommand,
    epilog=f"{RUN_HELP}\n\n\b\nExamples:\n  maker show @last\n  maker show @last --step 0\n"
    "  maker show 3f9a --prompt step/0.0/0/1",
)
@run_argument
@option(WHAT, "--result", help="Only the answer, as `maker run` prints it.", is_flag=True)
@option(WHAT, "--plan", help="The plan as YAML, ready for `maker run --plan`.", is_flag=True)
@option(WHAT, "--step", help="How one step was voted on.", type=Whole(0), metavar="N")
@option(WHAT, "--iteration", help="With --step: only this iteration.", type=Whole(0), metavar="N")
@option(WHAT, "--events", help="Every event, one a line.", is_flag=True)
@option(WHAT, "--prompt", help="What the agent was asked under a call key.", metavar="KEY")
@json_option
@db_option
def command(
    reference: str,
    db: str | None,
    as_json: bool,
    step: int | None,
    iteration: int | None,
    prompt: str | None,
    **parts: bool,
) -> int:
    """Show a run: its plan, what became of each step, votes, cost, and how to go on.

    Works for every run, also for one that is running, failed or crashed: what is there is shown,
    and what is missing is called missing.
    """
    chosen = [name for name, value in (("step", step), ("prompt", prompt)) if value is not None]
    chosen += [name for name, value in parts.items() if value]
    if len(chosen) > 1:
        raise click.UsageError(f"Choose one of --{' and --'.join(sorted(chosen))}.")
    if iteration is not None and step is None:
        raise click.UsageError("--iteration needs --step.")
    with stored_run(db, reference) as (reader, stored):
        match chosen:
            case ["step"]:
                return _step(stored, step or 0, iteration, as_json)
            case ["prompt"]:
                return _prompt(reader, stored, prompt or "", as_json)
            case ["result"]:
                return _result(stored, as_json)
            case ["plan"]:
                return _plan(stored, as_json)
            case ["events"]:
                return _events(stored, as_json)
            case _:
                return _overview(stored, db, as_json)


def _overview(stored: StoredRun, db: str | None, as_json: bool) -> int:
    view = history.overview(stored.row, stored.log)
    if as_json:
        echo_document(**msgspec.to_builtins(view))
    else:
        click.echo("\n".join(run_view.overview(view, fold(stored.log), db)))
    return 0


def _step(stored: StoredRun, step: int, iteration: int | None, as_json: bool) -> int:
    plan = _planned(stored).plan
    if step >= len(plan.steps):
        raise ConfigError(
            f"the plan has no step {step}",
            field="--step",
            advice=f"Its steps are 0 to {len(plan.steps) - 1}.",
        )
    found = votes.iterations(stored.log, step)
    if iteration is not None:
        found = [each for each in found if each.iteration == iteration]
        if not found:
            raise ConfigError(f"step {step} has no iteration {iteration}", field="--iteration")
    if as_json:
        echo_document(run=stored.run, step=plan.steps[step], iterations=found)
    else:
        simulated = not kind_of(stored.row.summary.agent).is_paid
        click.echo("\n".join(run_view.step(plan.steps[step], found, simulated=simulated)))
    return 0


def _prompt(reader: Reader, stored: StoredRun, key: str, as_json: bool) -> int:
    asked = [event for event in stored.log if isinstance(event, e.AgentReplied)]
    found = next((event for event in asked if event.key == key), None)
    if found is None:
        near = ", ".join(event.key for event in asked[:3])
        raise ConfigError(
            f"the run has no reply to a call {one_line(key, 60)!r}",
            field="--prompt",
            advice=f"Call keys look like {near or 'plan/0'}; see `maker show RUN --events --json`.",
        )
    prompts = json.loads(reader.blob(found.prompt))
    if as_json:
        echo_document(run=stored.run, key=key, **prompts, reply=found.reply)
    else:
        for heading, text in (*prompts.items(), ("reply", found.reply.text)):
            echo_text(f"===== {heading} =====\n{text}\n")
    return 0


def _result(stored: StoredRun, as_json: bool) -> int:
    state = fold(stored.log)
    if as_json:
        result = result_of(state, "completed" if state.status == "completed" else "partial")
        echo_document(run=stored.run, **{**result, "status": stored.row.status})
    elif state.status == "completed":
        echo_text(answer_text(result_of(state, "completed")["output"]))
    else:
        raise _no_result(stored, state)
    return 0 if state.status == "completed" else 1


def _no_result(stored: StoredRun, state: RunState) -> MakerError:
    done = sum(outcome.status == "completed" for outcome in state.execution.outcomes)
    steps = len(state.plan.steps) if state.plan else 0
    return MakerError(
        f"the run has no result: it is {history.status(stored.row)}, {done} of {steps} steps done",
        advice=f"See what there is: maker show {stored.run} (or --result --json)",
    )


def _plan(stored: StoredRun, as_json: bool) -> int:
    planned = _planned(stored)
    if as_json:
        echo_document(run=stored.run, **msgspec.to_builtins(planned.plan))
    else:
        echo_text(plan_to_yaml(planned.plan).rstrip("\n"))
    return 0


def _planned(stored: StoredRun) -> e.PlanCreated:
    planned = fold(stored.log).execution.planned
    if planned is None:
        raise MakerError(
            f"the run has no plan: it is {history.status(stored.row)}",
            advice=f"See what happened: maker show {stored.run} --events",
        )
    return planned


def _events(stored: StoredRun, as_json: bool) -> int:
    numbered = zip(stored.records, stored.log, strict=True)
    if as_json:
        listed = [{"seq": r.seq, **e.whole(event)} for r, event in numbered]
        echo_document(run=stored.run, events=listed)
    else:
        simulated = not kind_of(stored.row.summary.agent).is_paid
        for record, event in numbered:
            click.echo(run_view.event_line(record.seq, event, simulated=simulated))
    return 0
