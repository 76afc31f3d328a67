"""The entry point: one table of commands, each loaded only when it is used; errors become words.

What a command does is in its own module; nothing heavy is imported here.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

import maker
from maker.cli import errors
from maker.errors import Exit

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("maker.cli.run", "Plan, validate and carry out an instruction."),
    "plan": ("maker.cli.plan", "Plan and validate only, or check a plan written by hand."),
    "resume": ("maker.cli.resume", "Go on with a run where it stopped; buy nothing twice."),
    "history": ("maker.cli.history", "List what ran, how it ended and what it cost."),
    "show": ("maker.cli.show", "Look into a run: its result, plan, steps, votes, events."),
    "replay": ("maker.cli.replay", "Run a log again without the network; see whether it agrees."),
    "demo": ("maker.cli.demo", "See voting, or a crash and a resume, at no cost."),
    "verify": ("maker.cli.verify", "Check that a run's log is whole and unchanged."),
    "changes": ("maker.cli.file_changes", "Show what a run changed in its folder."),
    "undo": ("maker.cli.undo", "Take back what a run changed in its folder."),
    "pause": ("maker.cli.pause", "Let a run in another process come to rest."),
    "cancel": ("maker.cli.cancel", "End a run for good."),
    "db": ("maker.cli.db", "Upgrade or check the database."),
    "backup": ("maker.cli.backup", "Copy the database, also while runs write, and check the copy."),
    "prune": ("maker.cli.prune", "Delete old runs and give back the room that they took."),
    "completion": ("maker.cli.completion", "Let your shell complete commands and run ids."),
    "doctor": ("maker.cli.doctor", "Say what works here: login, versions, database."),
}
"""Every command: the module whose `command` it is, and its line in `maker --help`."""

EPILOG = """\
\b
Try it:
  maker demo                                  no account needed, nothing is bought
  maker run "Summarise README.md in three sentences"
  maker "Which endpoints lack authentication?"    the same as maker run
  maker resume @last                          go on after a crash, a cap or Ctrl-C

Every event of a run is on disk before you see it. `maker COMMAND --help` tells the rest.
"""

_HOMES = {"parse_args": "maker.cli.run", "format_event": "maker.cli.view.render"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maker.cli.main' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


class Commands(click.Group):
    """The table of commands as a group that imports a module only for the command in use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in COMMANDS:
            return super().resolve_command(ctx, args)
        is_text = len(args[0].split()) > 1
        if is_text and len(args) == 1:
            return super().resolve_command(ctx, ["run", "--", *args])
        word = errors.quoted(args[0])
        if is_text:
            raise click.UsageError(
                f"With options, write the command too: maker run {word} ...", ctx
            )
        near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else 'To carry out a task: maker run "..."'
        raise click.UsageError(f"There is no command {word}. {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=Commands,
    epilog=EPILOG,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(maker.__version__, prog_name="maker", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Carry out long tasks with Claude agents: minimal steps, voted answers, every event on disk.

    A run survives kills, crashes and rate limits: resume it, and nothing is bought twice.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and give the exit code; never a traceback for an expected error."""
    _open_what_is_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # without UTF-8 there is an answer, too
    try:
        code = errors.guarded(lambda: _invoke(sys.argv[1:] if args is None else list(args)))
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO, errno.ENOSPC):
            raise
        is_full = error.errno == errno.ENOSPC
        if is_full:
            with contextlib.suppress(OSError):
                click.echo("Error: the output cannot be written: the disk is full.", err=True)
        _drop_output()
        return Exit.FAILED if is_full else Exit.BROKEN_PIPE
    return code


def _open_what_is_closed() -> None:
    """A stream that the caller closed leads nowhere; otherwise a database could get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _invoke(args: list[str]) -> object:
    """What Click's own `main` does, less its exit on a closed pipe; it still completes words."""
    if "_MAKER_COMPLETE" in os.environ:
        return program.main(args, prog_name="maker")
    with program.make_context("maker", args) as context:
        return program.invoke(context)


def _drop_output() -> None:
    """Nobody reads any more, or the terminal is gone: keep the interpreter's last flush quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
