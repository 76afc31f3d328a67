"""`maker history`: what ran, how it ended, what it cost. Loads nothing that it does not need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from maker.cli.documents import echo_document, opened
from maker.cli.options import (
    OUTPUT,
    SectionCommand,
    Whole,
    db_option,
    json_option,
    option,
)
from maker.cli.view.render import money
from maker.cli.view.table import table
from maker.cli.view.times import moment, when
from maker.core.kinds import kind_of
from maker.core.models import RunId
from maker.core.text import one_line
from maker.inspect import history
from maker.store import rescue, sizes
from maker.store.queries import RunRow

WHICH_RUNS = "Which runs"
STATUSES = ("running", "paused", "completed", "failed", "cancelled", "crashed")


@click.command(cls=SectionCommand)
@option(WHICH_RUNS, "--status", help="In this status. [default: all]", type=click.Choice(STATUSES))
@option(
    WHICH_RUNS, "--text", help="With this text in the instruction. [default: all]", metavar="TEXT"
)
@option(
    WHICH_RUNS, "--since", help="Begun after this. [default: all]", type=moment, metavar="2d|DATE"
)
@option(
    WHICH_RUNS,
    "--limit",
    help="The newest only.",
    type=Whole(1),
    metavar="N",
    default=20,
    show_default=True,
)
@option(OUTPUT, "--size", is_flag=True, help="Show about how much room each run takes.")
@json_option
@db_option
def command(
    db: str | None,
    as_json: bool,
    status: str | None,
    text: str | None,
    since: float | None,
    limit: int,
    size: bool,
) -> None:
    """List runs, the newest first: what was asked, how it ended, what it cost.

    A run that counts as running while nobody works on it is shown as crashed. The eight
    characters in the first column are enough for every command that takes a RUN.

    \b
    Examples:
      maker history --status failed --since 2d
      maker history --text changelog --json
    """
    with opened(db) as reader:
        listed_rows = reader.runs(status=status, text=text, since=since, limit=limit + 1)
        rows, has_more = listed_rows[:limit], len(listed_rows) > limit
        rescued = rescue.waiting(rescue.folders(reader.path)) & {row.run_id for row in rows}
        octets = {row.run_id: sizes.of_run(reader, row) for row in rows} if size else {}
    if as_json:
        listed = [history.document(row) for row in rows]
        if size:
            listed = [{**run, "bytes": octets[run["run"]]} for run in listed]
        echo_document(runs=listed, has_more=has_more)
    elif rows:
        click.echo("\n".join(_lines(rows, octets)))
    else:
        is_filtered = status or text or since is not None
        click.echo("no runs match" if is_filtered else "no runs yet")
    if has_more and not as_json:
        click.echo("there are more runs: see --limit", err=True)
    for run in sorted(rescued):
        click.echo(f"Note: `maker resume {run}` stores what is in its rescue file.", err=True)
    if any(row.damage for row in rows):
        click.echo("Note: a row makes no sense; see `maker db check`.", err=True)


def _lines(rows: Sequence[RunRow], octets: Mapping[RunId, int | None]) -> Iterator[str]:
    if not octets:
        return table(HEADINGS, [_cells(row) for row in rows])
    cells = []
    for row in rows:
        *others, asked = _cells(row)
        cells.append([*others, sizes.size_text(octets[row.run_id]), asked])
    return table([*HEADINGS[:-1], ">SIZE", HEADINGS[-1]], cells)


HEADINGS = ("RUN", "STARTED", "STATUS", ">STEPS", ">COST", ">SAMPLES", "INSTRUCTION")


def _cells(row: RunRow) -> tuple[str, ...]:
    run = row.summary
    return (
        history.short_id(row.run_id),
        when(run.started_at, "%Y-%m-%d %H:%M"),
        one_line(history.status(row), 40),
        f"{run.steps_done}/{run.steps_total}",
        money(run.totals.cost_usd, simulated=not kind_of(run.agent).is_paid),
        f"{run.totals.samples:,}",
        one_line(run.instruction, 60),
    )
