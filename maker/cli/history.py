"""`maker history`: what ran, how it ended, what it cost. Loads nothing that it does not need."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from maker import history
from maker.cli.documents import database, echo_document
from maker.cli.options import SectionCommand, SectionOption, Whole, db_option, json_option
from maker.cli.render import money
from maker.cli.table import table
from maker.core.text import one_line
from maker.store.queries import Reader, RunRow

F = TypeVar("F", bound=Callable[..., Any])

STATUSES = ("running", "paused", "completed", "failed", "cancelled", "crashed")
_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNIT_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> float:
    """A date such as 2026-03-31, with or without a time, or how long ago, as in 2d."""
    ago = _AGO.fullmatch(text.strip().lower())
    if ago:
        return time.time() - int(ago[1]) * _UNIT_S[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is not a time; give a date as in 2026-03-31, or an age: 30m, 12h, 2d, 1w."
        ) from None


def _option(name: str, help: str, **settings: Any) -> Callable[[F], F]:
    return click.option(name, cls=SectionOption, section="Which runs", help=help, **settings)


@click.command(cls=SectionCommand)
@_option("--status", "In this status. [default: all]", type=click.Choice(STATUSES))
@_option("--text", "With this text in the instruction. [default: all]", metavar="TEXT")
@_option("--since", "Begun after this. [default: all]", type=moment, metavar="2d|DATE")
@_option("--limit", "The newest only.", type=Whole(1), metavar="N", default=20, show_default=True)
@json_option
@db_option
def command(
    db: str | None,
    as_json: bool,
    status: str | None,
    text: str | None,
    since: float | None,
    limit: int,
) -> None:
    """List runs, the newest first: what was asked, how it ended, what it cost.

    A run that counts as running while nobody works on it is shown as crashed. The eight
    characters in the first column are enough for every command that takes a RUN.

    \b
    Examples:
      maker history --status failed --since 2d
      maker history --text changelog --json
    """
    with Reader(database(db)) as reader:
        found = reader.runs(status=status, text=text, since=since, limit=limit + 1)
    rows, has_more = found[:limit], len(found) > limit
    if as_json:
        echo_document(runs=[history.document(row) for row in rows], has_more=has_more)
    elif rows:
        click.echo("\n".join(table(HEADINGS, [_cells(row) for row in rows])))
    else:
        is_filtered = status or text or since is not None
        click.echo("no runs match" if is_filtered else "no runs yet")
    if has_more and not as_json:
        click.echo("there are more runs: see --limit", err=True)


HEADINGS = ("RUN", "STARTED", "STATUS", ">STEPS", ">COST", ">SAMPLES", "INSTRUCTION")


def _cells(row: RunRow) -> tuple[str, ...]:
    run = row.summary
    return (
        history.short_id(row.run_id),
        f"{datetime.fromtimestamp(run.started_at):%Y-%m-%d %H:%M}",
        one_line(history.status(row), 40),
        f"{run.steps_done}/{run.steps_total}",
        money(run.totals.cost_usd, simulated=run.agent == "simulated"),
        f"{run.totals.samples:,}",
        one_line(run.instruction, 60),
    )
