"""`maker resume`: goes on with a run where it stopped, with the settings that are given anew."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from maker import app
from maker.cli import session
from maker.cli.configuration import fields, given, require_sensible, setting_options
from maker.cli.documents import opened, run_ids
from maker.cli.options import (
    SectionCommand,
    answer_option,
    choose_option,
    db_option,
    json_option,
    not_before_option,
    notify_option,
    output_option,
    plan_option,
    quiet_option,
    replan_option,
    yes_option,
)
from maker.cli.plan_files import accepted, examine
from maker.cli.run import answer, check_output, output_of
from maker.cli.terminal import User
from maker.cli.texts import STANDARD_INPUT, is_piped, read_text
from maker.cli.view import report
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import RunId
from maker.core.seams import EventStore
from maker.core.state import RunState, changed
from maker.core.text import one_line
from maker.errors import ConfigError, LogDamaged
from maker.store.queries import Reader

EPILOG = """\
\b
Examples:
  maker resume @last
  maker resume 4f2c91ab --max-cost-usd 10
  maker resume @last --yes
  maker resume @last --choose 2
  maker resume @last --answer "the tests in tests/unit"
  maker resume @last --replan --model claude-opus-4-5

RUN is an id, four or more characters of its beginning or end, @last (the last run that can
be resumed), or @last~1. Settings that are not given stay as they were; new ones count from
the next try of a step, never inside a vote that has begun, but for --max-voting-samples,
--undecided, --choose and --accept.
"""


@click.command("resume", cls=SectionCommand, epilog=EPILOG)
@click.argument("run", shell_complete=run_ids)
@plan_option
@replan_option
@choose_option
@answer_option
@setting_options(resuming=True)
@yes_option
@output_option
@json_option
@quiet_option
@notify_option
@not_before_option
@db_option
@click.pass_context
def command(ctx: click.Context, /, run: str, **parameters: Any) -> int:
    """Go on with RUN where it stopped: after a crash, a kill, a cap, a rate limit, a failure.

    Replies that are in its log are used, not bought again; those in a rescue file, which a run
    leaves where its database was locked or full to the end, are stored first.
    """
    check_output(parameters["file"])
    if is_piped() and parameters["plan"] != STANDARD_INPUT:
        click.echo(
            "The standard input is not read: a run takes its context as it begins.", err=True
        )
    output = output_of(parameters)
    with opened(output.db) as reader:
        row = reader.run(reader.resolve(run, to_resume=True))
        if row.summary.status == "completed":
            return _completed(reader, row.run_id, output)
    if row.summary.status == "cancelled":
        raise ConfigError(
            f"run {row.run_id} was cancelled: it cannot be resumed",
            advice=f"See what it did: maker show {row.run_id}",
        )
    resumption = Resumption(
        run=row.run_id,
        options=fields(parameters, given(ctx)),
        plan=parameters["plan"],
        replan=parameters["replan"],
        choose=dict(parameters["choose"]),
        reply=parameters["answer"] or "",
    )
    return session.carry(resumption.open, answer, output)


class Resumption(msgspec.Struct, frozen=True, kw_only=True):
    """A run to be gone on with: the settings that are given anew, and the source of a plan."""

    run: RunId
    options: dict[str, Any]
    plan: str | None
    replan: bool
    choose: dict[str, int] = {}
    reply: str = ""

    async def open(self, store: EventStore, user: User) -> app.Session:
        """The session that resumes the run."""
        opened = await app.resume(
            self.run,
            self.changes,
            store=store,
            consent=user.consent,
            ask_user=user.ask_user,
            tell=user.tell,
        )
        if opened is None:
            raise ConfigError(f"run {self.run} has ended meanwhile", advice="See `maker show`.")
        return opened

    def changes(self, state: RunState) -> app.Changes:
        """What the run is gone on with, checked against the run as it is."""
        options = _options(state, self.options)
        plan = None
        if self.plan is not None:
            text, config = read_text(self.plan), changed(state.settings, options)
            examined = examine(
                text,
                tools=state.task.tools,
                instruction=config.instruction,
                models=config.step_models,
                has_context=bool(state.task.context),
                values=state.task.inputs,
            )
            plan = accepted(examined, text, self.plan)
        return app.Changes(
            options=options, plan=plan, replan=self.replan, choose=self.choose, answer=self.reply
        )


def _completed(reader: Reader, run: RunId, output: session.Output) -> int:
    row = reader.run(run)
    reader.require_end(row)
    state = fold(e.decode(record.payload, seq=record.seq) for record in reader.log(row))
    if state.status != "completed":
        raise LogDamaged(
            f"run {run} is listed as completed, but its log says that it is {state.status}",
            advice=f"See what holds and what does not: maker verify {run}",
        )
    missing = f", {one_line(state.reason, 300)}" if state.reason else ""
    click.echo(f"Run {run} is completed{missing}; there is nothing left to do.", err=True)
    if output.as_json and state.finished is not None:
        click.echo(json_line(row.head_seq, state.finished))
    if output.file is not None or not output.as_json:
        session.write_answer(answer(run, state) or "", output.file)
    return report.exit_code(state, None)


def _options(state: RunState, options: dict[str, Any]) -> dict[str, Any]:
    """The settings to record; grants and a simulation's settings add to those that there are."""
    if "allow" in options:
        granted = [*state.settings.allow, *options["allow"]]
        options = {**options, "allow": list(dict.fromkeys(granted))}
    if "simulation" in options:
        kept = msgspec.to_builtins(state.settings.simulation)
        options = {**options, "simulation": {**kept, **options["simulation"]}}
    if options:
        require_sensible(changed(state.settings, options))
    return options
