"""`maker run`: from an instruction to an answer on stdout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import msgspec

from maker import app
from maker.cli import session
from maker.cli.configuration import setting_options, task_config
from maker.cli.context import gather
from maker.cli.options import (
    SectionCommand,
    context_option,
    instruction_argument,
    json_option,
    new_db_option,
    not_before_option,
    notify_option,
    output_option,
    plan_option,
    quiet_option,
    set_option,
    yes_option,
)
from maker.cli.plan_files import accepted, examine
from maker.cli.plan_inputs import plan_inputs
from maker.cli.terminal import User, columns, on_terminal
from maker.cli.texts import STANDARD_INPUT, read_text
from maker.cli.view.proposal import proposal
from maker.cli.view.render import answer_text
from maker.cli.view.undecided import undecided
from maker.core.models import Plan, RunId, TaskConfig
from maker.core.seams import EventStore
from maker.core.state import RunState
from maker.errors import ConfigError, Exit
from maker.steps.undecided import undecided_votes
from maker.workspace.brief import describe_workspace

EPILOG = """\
\b
Examples:
  maker run "Which functions in src/ have no test?"
  maker run "List the open TODOs" --voting first_to_k --voting-k 3
  maker run "Bump the version and update the changelog" --allow write,bash
  maker run "What is new in SQLite?" --allow web:sqlite.org,web:*.wikipedia.org
  maker run --plan plan.yaml --max-cost-usd 2
  maker run --plan review.yaml --set pr=123 --set dir=src
  git diff | maker run "Review this diff" > review.txt
  maker run - < instruction.txt
  maker run "Try it out" --agent simulated

\b
Exit codes:
"""
EPILOG += "\n".join(f"  {code:>3}  {code.meaning}" for code in Exit)


WAIT_HOURS = 12.0
"""Somebody at a terminal means the run to go on when the limit ends, at night, too."""
STAND_IN = "Carry out the given plan."
"""The instruction of a run that has only a plan: no words or paths, for those allow."""


@click.command("run", cls=SectionCommand, epilog=EPILOG)
@instruction_argument
@plan_option
@set_option
@context_option
@setting_options()
@yes_option
@output_option
@json_option
@quiet_option
@notify_option
@not_before_option
@new_db_option
def command(**parameters: Any) -> int:
    """Plan, validate and carry out INSTRUCTION; `-` reads it from the standard input.

    What is piped to maker beside an instruction goes along as context (`< /dev/null`: nothing).
    Only the answer goes to stdout. Every event is kept: a run that was stopped goes on with
    `maker resume`.
    """
    check_output(parameters["file"])
    request = new_request(parameters)
    return session.carry(request.open, answer, output_of(parameters))


def parse_args(args: Sequence[str]) -> SimpleNamespace:
    """The arguments of `maker run`, each under the name of its option."""
    return SimpleNamespace(**command.make_context("run", list(args)).params)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A run to be started."""

    config: TaskConfig
    plan: Plan | None = None
    workspace: str = ""
    context: str = ""
    inputs: dict[str, Any] = {}

    async def open(self, store: EventStore, user: User) -> app.Session:
        """The session that starts the run."""
        return app.submit(
            self.config,
            store=store,
            plan=self.plan,
            workspace=self.workspace,
            context=self.context,
            inputs=self.inputs,
            consent=user.consent,
            ask_user=user.ask_user,
            tell=user.tell,
        )


def new_request(parameters: dict[str, Any], **fixed: Any) -> Request:
    """What the options ask for, checked before anything is bought; `fixed` overrides settings."""
    source, asked = parameters.get("plan"), parameters.get("instruction")
    pipe = _one_reader(asked, source, parameters["context"]) is None
    instruction = _instruction(asked, source)
    text = read_text(source) if source else ""
    config = task_config({**parameters, **fixed}, instruction or (STAND_IN if source else ""))
    if not on_terminal():
        config = msgspec.structs.replace(config, questions=False)
    elif parameters.get("wait") is None:
        config = msgspec.structs.replace(config, wait_hours=WAIT_HOURS)
    plan, tools = None, app.registry_for(config).specs()
    if source:
        examined = examine(text, tools=tools, instruction=instruction, models=config.step_models)
        plan = accepted(examined, text, source)
    workspace = describe_workspace(Path(config.cwd))
    context = gather(parameters["context"], plan, pipe=pipe)
    inputs = plan_inputs(parameters.get("assigned") or (), plan, config)
    return Request(config=config, plan=plan, workspace=workspace, context=context, inputs=inputs)


def answer(run: RunId, state: RunState) -> str | None:
    """The output of the last step; where a plan waits for its execution the plan, on stderr."""
    asked = state.reason == "approval" and on_terminal()  # the plan stands above the question
    if state.status == "paused" and state.reason == "approval" and not on_terminal():
        click.echo("Nobody was asked: there is no terminal to ask on.", err=True)
    if state.status == "paused" and state.reason in ("dry_run", "approval") and not asked:
        more = f"maker show {run} --plan"
        click.echo(proposal(state, width=columns(), more=more), err=True)
    if state.status == "paused" and state.reason == "undecided":
        click.echo("\n".join(undecided(undecided_votes(state))), err=True)
    if state.status != "completed" or state.finished is None:
        return None
    return answer_text(state.finished.result.get("output"))


def output_of(parameters: dict[str, Any]) -> session.Output:
    """Where the user wants what."""
    return session.Output(
        db=parameters["db"],
        as_json=parameters["as_json"],
        quiet=parameters.get("quiet", False),
        file=parameters.get("file"),
        notify=parameters.get("notify") or "",
        not_before=parameters.get("not_before") or 0.0,
    )


def check_output(file: Path | None) -> None:
    """Raise ConfigError where the answer could not be written in the end."""
    if file is not None and not file.parent.is_dir():
        raise ConfigError(
            f"cannot write the answer to {file}: there is no folder {file.parent}",
            field="-o",
        )


def _one_reader(instruction: str | None, plan: str | None, context: Sequence[Path]) -> str | None:
    """What is read from the standard input by name, because it was given as `-`."""
    named = {"instruction": instruction, "plan": plan}
    readers = [f"the {name}" for name, source in named.items() if source == STANDARD_INPUT]
    readers += ["--context" for file in context if str(file) == STANDARD_INPUT]
    if len(readers) > 1:
        both = " and ".join(dict.fromkeys(readers))
        raise click.UsageError(f"The standard input is read once: {both} cannot be -.")
    return readers[0] if readers else None


def _instruction(asked: str | None, plan: str | None) -> str:
    if asked is None and plan is None:
        path = click.get_current_context().command_path
        raise click.UsageError(f'Say what is to be done, as in: {path} "Summarise README.md"')
    if asked != STANDARD_INPUT:
        return asked or ""
    if sys.stdin.isatty():
        click.echo("Type the instruction, then Ctrl-D:", err=True)
    return read_text(STANDARD_INPUT).strip()
