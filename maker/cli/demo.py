"""`maker demo`: voting and crash safety shown on the paper's experiment, with a simulated agent."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec

from maker import app
from maker.agents import hanoi
from maker.cli.documents import SCHEMA_VERSION, database, echo_line
from maker.cli.interrupts import Interrupts
from maker.cli.options import Real, SectionCommand, Whole, json_option, new_db_option, option
from maker.cli.view.render import count, duration, money
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core.models import RunId, TaskConfig
from maker.core.text import terminal_safe
from maker.demo import crash
from maker.demo.experiment import Experiment, ExperimentResult, experiment_config
from maker.engine.orchestrator import Orchestrator
from maker.errors import Exit
from maker.store.location import shown

F = TypeVar("F", bound=Callable[..., Any])

NOTHING = "nothing is bought"
_METAVARS: dict[Any, str] = {Whole: "N", Real: "0..1", int: "N"}


class _Demos(click.Group):
    """`maker demo` alone, or with options only, is `maker demo hanoi`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["hanoi", *args])


@click.group(cls=_Demos, short_help="See voting, or a crash and a resume, at no cost.")
def command() -> None:
    """See what maker does, without an account: a simulated agent solves the Towers of Hanoi.

    Without the name of a demo, `hanoi` is run.
    """


def _tower_options(disks: Whole, least_k: int = 1) -> Callable[[F], F]:
    """The options that say which tower is moved, and how badly the agent does it."""

    def decorate(function: F) -> F:
        options = (
            _option("--disks", disks, 5, "Height; N disks take 2^N - 1 moves."),
            _option("--error-rate", Real(0, 1), 0.1, "Share of replies that are wrong."),
            _option("--flag-rate", Real(0, 1), 0.0, "Share that earns a red flag."),
            _option("--seed", int, 0, "The same seed gives the same replies."),
            _option("--voting-k", Whole(least_k), 3, "Lead that wins a vote (first_to_k)."),
        )
        for add in reversed(options):
            function = add(function)
        return function

    return decorate


def _option(name: str, kind: Any, default: Any, text: str) -> Callable[[F], F]:
    return option(
        "The experiment", name, type=kind, default=default, show_default=True, help=text,
        metavar=_METAVARS.get(type(kind) if kind is not int else int),
    )  # fmt: skip


@command.command("hanoi", cls=SectionCommand)
@_tower_options(Whole(1, hanoi.MOST_DISKS))
@_option("--voting", click.Choice(["none", "majority", "first_to_k"]), "first_to_k", "Strategy.")
@_option("--voting-n", Whole(1), 3, "Votes of a majority.")
@_option("--max-voting-samples", Whole(1), 10, "Samples after which a vote is given up.")
@_option("--samples-at-once", Whole(1), 4, "Samples asked at the same time.")
@_option("--delay-ms", Whole(0), 0, "How long the agent takes for a reply.")
@json_option
@new_db_option
def solve(db: str | None, as_json: bool, disks: int, **options: Any) -> int:
    """Move a tower, one voted move at a time, while the agent errs now and then.

    The run is an ordinary one: it goes through the whole pipeline and is in the database
    afterwards. Exit code 0 only if the tower was moved without a wrong move.

    \b
    Examples:
      maker demo --disks 7 --error-rate 0.2
      maker demo --voting none            one error is enough to fail
    """
    config = experiment_config(disks, **options)
    experiment = Experiment(disks)
    done, signum = asyncio.run(_solved(config, database(db), experiment, as_json))
    if done.state.submitted is None and signum is not None:
        click.echo("Interrupted before anything began.", err=True)
        return Exit.of_signal(signum)
    findings = experiment.findings(done.state)
    if as_json:
        echo_line({**_summary(findings), "run": done.run_id, "head": done.head[1].hex()})
    else:
        click.echo("\n".join(report(config, done.run_id, findings, db)))
    if signum is not None:
        click.echo(_commands(("resume RUN",), done.run_id, db)[0].strip(), err=True)
        return Exit.of_signal(signum)
    return Exit.DONE if findings.succeeded else Exit.FAILED


@command.command(
    "crash", cls=SectionCommand, short_help="Kill a run in mid-vote, resume it, replay it."
)
@_tower_options(Whole(3, 8), least_k=2)
@_option("--delay-ms", Whole(1, 1000), 40, "How long the agent takes for a reply.")
@json_option
@new_db_option
def kill(db: str | None, as_json: bool, disks: int, **options: Any) -> int:
    """Kill a run in the middle of a vote, resume it, replay it: nothing is bought twice.

    A child process of this one moves the tower and gets a SIGKILL while a vote is open. Exit
    code 0 only if the resumed run comes to the very end of one that was never killed.
    """
    config = experiment_config(disks, samples_at_once=2, **options)
    result = asyncio.run(crash.crash(config, disks, database(db)))
    if as_json:
        echo_line(_summary(result))
    else:
        click.echo("\n".join(crash_report(result, db)))
    return Exit.DONE if result.succeeded else Exit.FAILED


def _summary(result: msgspec.Struct) -> dict[str, Any]:
    return {"type": "Summary", "schema_version": SCHEMA_VERSION, **msgspec.to_builtins(result)}


def crash_report(result: crash.Crash, db: str | None) -> list[str]:
    """What happened, in a few lines."""
    same = "the same as that of a run that was never killed"
    return [
        f"killed    at event {result.killed_at_event}, in the vote on move {result.move}: "
        f"{result.kept} of {result.launched} replies were in",
        f"resumed   {result.status} after {result.moves} moves",
        f"bought    {result.bought} replies ({result.bought_before} before the kill); "
        f"bought twice: {len(result.bought_twice)}",
        f"replayed  {result.replay}",
        f"compared  {'; '.join(result.differences[:3]) or same}",
        f"time      {result.duration_s:.1f} s; simulated: {NOTHING}",
        "Look at it:",
        *_commands(("show RUN", "show RUN --events", "replay RUN"), result.run, db),
    ]


async def _solved(
    config: TaskConfig, url: str, watch: Experiment, as_json: bool
) -> tuple[Orchestrator, int | None]:
    """The run as it ended, and the signal that stopped it, if one did."""
    async with app.opened(url=url) as store:
        session = app.submit(config, store=store, plan=hanoi.plan(watch.disks))
        with Interrupts() as interrupts:
            click.echo(f"run {session.orchestrator.run_id}: simulated agent, {NOTHING}", err=True)
            try:
                async with contextlib.aclosing(session.run()) as events:
                    await _show(events, watch, as_json)
            except asyncio.CancelledError:
                if interrupts.signum is None:
                    raise
    return session.orchestrator, interrupts.signum


async def _show(events: AsyncIterator[e.Event], watch: Experiment, as_json: bool) -> None:
    seq, progress = 0, Progress(watch, on_terminal=sys.stderr.isatty())
    async for event in events:
        seq += 1
        watch.watch(event)
        if as_json:
            click.echo(json_line(seq, event))
        elif line := progress.line(event):
            click.echo(line, nl=not progress.on_terminal, err=True)
    if progress.on_terminal and not as_json:
        click.echo("", err=True)


class Progress:
    """How far a tower is: on a terminal one line that is written over, else one now and then."""

    def __init__(self, watch: Experiment, *, on_terminal: bool) -> None:
        self._watch, self.on_terminal = watch, on_terminal
        self._every_s = 0.2 if on_terminal else 15.0
        self._began = self._shown = 0.0

    def line(self, event: e.Event) -> str:
        """What is to be shown after this event, by whose time; usually nothing."""
        now = event.timestamp
        if not self._began:
            self._began = self._shown = now
        if not isinstance(event, e.StepCompleted) or now - self._shown < self._every_s:
            return ""
        self._shown = now
        done, total = self._watch.moves, 2**self._watch.disks - 1
        rate = done / (now - self._began)
        left = duration(1000 * (total - done) / rate)
        text = (
            f"move {done:,} of {total:,} ({done / total:.0%}), {rate:,.0f}/s, "
            f"{self._watch.outvoted:,} errors outvoted, {left} left"
        )
        return f"\r{text:<90}" if self.on_terminal else text


def report(config: TaskConfig, run: RunId, findings: ExperimentResult, db: str | None) -> list[str]:
    """What happened, in a few lines."""
    tower = f"Towers of Hanoi with {findings.disks} disk{'s' * (findings.disks != 1)}"
    outcome = _outcome(findings)
    return [
        f"{tower}: {outcome}",
        f"  samples  {findings.samples}, {findings.samples_per_move:.2f} a move; "
        + _expected(config, findings),
        f"  errors   {findings.errors:,} made by the agent: {_fate_of_errors(config, findings)}; "
        f"{findings.red_flagged} replies red-flagged",
        f"  cost     {money(findings.cost_usd)} and {count(findings.tokens, 'token')}, "
        f"simulated: {NOTHING}",
        f"  time     {findings.duration_s:.2f} s, "
        f"{findings.moves / max(findings.duration_s, 1e-3):.0f} moves/s",
        "Look at it:",
        *_commands(("show RUN", "show RUN --step 0", "replay RUN", "history"), run, db),
    ]


def _commands(commands: Sequence[str], run: RunId, db: str | None) -> list[str]:
    place = f" --db {shlex.quote(shown(db))}" if db else ""
    return [f"  maker {command.replace('RUN', run)}{place}" for command in commands]


def _outcome(findings: ExperimentResult) -> str:
    if findings.succeeded:
        return f"solved in {findings.moves} moves, none of them wrong."
    wrong = ""
    if findings.wrong_moves:
        listed = ", ".join(map(str, findings.first_wrong_moves))
        more = ", ..." if findings.wrong_moves > len(findings.first_wrong_moves) else ""
        wrong = f" Illegal or misreported: {findings.wrong_moves} (move {listed}{more})."
    reason = f" {terminal_safe(findings.reason)}." if findings.reason else ""
    solved = "solved, but not cleanly" if findings.solved else "not solved"
    return f"{solved} after {findings.moves} moves ({findings.status}).{reason}{wrong}"


def _expected(config: TaskConfig, findings: ExperimentResult) -> str:
    if findings.expected_samples_per_move is None:
        return "no reply can be used at a flag rate of 1"
    rates = config.simulation
    flags = f" and a flag rate of {rates.flag_rate:g}" if rates.flag_rate else ""
    return (
        f"{findings.expected_samples_per_move:.2f} expected with {config.voting.words} "
        f"at an error rate of {rates.error_rate:g}{flags}"
    )


def _fate_of_errors(config: TaskConfig, findings: ExperimentResult) -> str:
    if config.voting_strategy == "none":
        first = f" (first on move {findings.first_won_at_move})" if findings.won else ""
        return f"{findings.won} taken{first}, since there was no vote"
    first = f" (first on move {findings.first_won_at_move})" if findings.won else ""
    rest = findings.errors - findings.outvoted - findings.won
    undecided = f", {rest} outvoted by another error or undecided" if rest else ""
    return f"{findings.outvoted} outvoted, {findings.won} won{first}{undecided}"
