"""`maker show`: look into a run, whatever became of it. How it looks is in `run_view.py`."""

from __future__ import annotations

import asyncio
import json
from itertools import islice

import click
import msgspec

from maker.cli.documents import (
    RUN_HELP,
    StoredRun,
    echo_document,
    echo_listing,
    echo_text,
    run_argument,
    stored_run,
)
from maker.cli.options import SectionCommand, Whole, db_option, json_option, option
from maker.cli.view import run_view
from maker.cli.view.render import answer_text
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core.fold import fold
from maker.core.kinds import kind_of
from maker.core.models import CallKey
from maker.core.seams import Record
from maker.core.text import one_line
from maker.errors import ConfigError, Exit, MakerError
from maker.inspect import history, votes
from maker.plan.plan_text import plan_to_yaml
from maker.steps.results import result_of
from maker.steps.undecided import undecided_votes

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
@option(WHAT, "--follow", help="Every event as it is stored, until the run rests.", is_flag=True)
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
    with stored_run(db, reference) as stored:
        match chosen:
            case ["step"]:
                return _step(stored, step or 0, iteration, as_json)
            case ["prompt"]:
                return _prompt(stored, CallKey(prompt or ""), as_json)
            case ["result"]:
                return _result(stored, as_json)
            case ["plan"]:
                return _plan(stored, as_json)
            case ["events"]:
                return _events(stored, as_json)
            case ["follow"]:
                return asyncio.run(_follow(stored, as_json))
            case _:
                return _overview(stored, db, as_json)


def _overview(stored: StoredRun, db: str | None, as_json: bool) -> int:
    view, state = history.overview(stored.row, stored.events())
    if as_json:
        waiting = undecided_votes(state) if state.status == "paused" else []
        echo_document(**e.whole(view), undecided_votes=waiting)
    else:
        click.echo("\n".join(run_view.overview(view, state, db)))
    return Exit.DONE


def _step(stored: StoredRun, step: int, iteration: int | None, as_json: bool) -> int:
    plans = [(record.seq, _plan_in(record)) for record in stored.reader.plans(stored.row)]
    if not plans:
        raise _no_plan(stored)
    steps = plans[-1][1].plan.steps
    if step >= len(steps):
        raise ConfigError(
            f"the plan has no step {step}",
            field="--step",
            advice=f"Its steps are 0 to {len(steps) - 1}.",
        )
    records = stored.reader.of_step(stored.row, step, votes.since(plans, step))
    chosen = votes.iterations(e.decode(record.payload, seq=record.seq) for record in records)
    if iteration is not None:
        only = next((each for each in chosen if each.iteration == iteration), None)
        if only is None:
            raise ConfigError(f"step {step} has no iteration {iteration}", field="--iteration")
        chosen = iter([only])
    if as_json:
        echo_listing("iterations", chosen, run=stored.run, step=steps[step])
    else:
        simulated = not kind_of(stored.row.summary.agent).is_paid
        click.echo("\n".join(run_view.step(steps[step], chosen, simulated=simulated)))
    return Exit.DONE


def _prompt(stored: StoredRun, key: CallKey, as_json: bool) -> int:
    asked = next(stored.reader.replies(stored.row, key), None)
    if asked is None:
        near = ", ".join(each.key for each in islice(stored.reader.replies(stored.row), 3))
        raise ConfigError(
            f"the run has no reply to a call {one_line(key, 60)!r}",
            field="--prompt",
            advice=f"Call keys look like {near or 'plan/0'}; see `maker show RUN --events --json`.",
        )
    prompts = json.loads(stored.reader.blob(asked.prompt))
    if as_json:
        echo_document(run=stored.run, key=key, **prompts, reply=asked.reply)
    else:
        for heading, text in (*prompts.items(), ("reply", asked.reply.text)):
            echo_text(f"===== {heading} =====\n{text}\n")
    return Exit.DONE


def _result(stored: StoredRun, as_json: bool) -> int:
    if stored.row.status == "completed" and not as_json:
        last = stored.reader.last(stored.row)
        end = e.decode(last.payload, seq=last.seq)
        if isinstance(end, e.TaskCompleted):
            echo_text(answer_text(end.result.get("output")))
            return Exit.DONE
    state = fold(stored.events())
    if not as_json:
        done = sum(outcome.status == "completed" for outcome in state.execution.outcomes)
        steps = f"{done} of {len(state.plan.steps) if state.plan else 0} steps done"
        raise MakerError(
            f"the run has no result: it is {history.status(stored.row)}, {steps}",
            advice=f"See what there is: maker show {stored.run} (or --result --json)",
        )
    result = result_of(state, "completed" if state.status == "completed" else "partial")
    echo_document(run=stored.run, **{**result, "status": stored.row.status})
    return Exit.DONE if state.status == "completed" else Exit.FAILED


def _plan(stored: StoredRun, as_json: bool) -> int:
    plans = [*stored.reader.plans(stored.row)]
    if not plans:
        raise _no_plan(stored)
    plan = _plan_in(plans[-1]).plan
    if as_json:
        echo_document(run=stored.run, **msgspec.to_builtins(plan))
    else:
        echo_text(plan_to_yaml(plan).rstrip("\n"))
    return Exit.DONE


def _plan_in(record: Record) -> e.PlanCreated:
    planned = e.decode(record.payload, seq=record.seq)
    assert isinstance(planned, e.PlanCreated)
    return planned


def _no_plan(stored: StoredRun) -> MakerError:
    return MakerError(
        f"the run has no plan: it is {history.status(stored.row)}",
        advice=f"See what happened: maker show {stored.run} --events",
    )


async def _follow(stored: StoredRun, as_json: bool) -> int:
    from maker import app  # loads nearly all of maker, for this one part of the command

    simulated = not kind_of(stored.row.summary.agent).is_paid
    async for record in app.following(stored.run, stored.reader.url):
        event = e.decode(record.payload, seq=record.seq)
        line = json_line(record.seq, event) if as_json else None
        click.echo(line or run_view.event_line(record.seq, event, simulated=simulated))
    return Exit.DONE


def _events(stored: StoredRun, as_json: bool) -> int:
    numbered = ((record.seq, e.decode(record.payload)) for record in stored.records())
    if as_json:
        listed = ({"seq": seq, **e.whole(event)} for seq, event in numbered)
        echo_listing("events", listed, run=stored.run)
    else:
        simulated = not kind_of(stored.row.summary.agent).is_paid
        for seq, event in numbered:
            click.echo(run_view.event_line(seq, event, simulated=simulated))
    return Exit.DONE
