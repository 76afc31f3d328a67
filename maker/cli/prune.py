"""`maker prune`: delete old runs and give back the room that they took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from msgspec import Struct

from maker.cli.documents import database, echo_document, opened
from maker.cli.options import SectionCommand, SectionOption, db_option, json_option
from maker.cli.view.render import count
from maker.cli.view.table import table
from maker.cli.view.times import moment, when
from maker.core.text import one_line
from maker.errors import Exit
from maker.inspect import history
from maker.store import sizes
from maker.store.ages import prunable
from maker.store.queries import Reader, RunRow
from maker.store.sizes import size_text

F = TypeVar("F", bound=Callable[..., Any])

MOST_LISTED = 20
HEADINGS = ("RUN", "LAST EVENT", "STATUS", ">SIZE", "INSTRUCTION")


def _option(*names: str, help: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, cls=SectionOption, section="Prune", help=help, **settings)


class _Old(Struct, frozen=True):
    """A run that may go, and about what it takes."""

    row: RunRow
    octets: int | None


@click.command(cls=SectionCommand)
@_option(
    "--older-than",
    help="Only runs whose last event is older than this.",
    type=moment,
    required=True,
    metavar="30d|DATE",
)
@_option("--keep-failed", help="Keep runs that failed, crashed or are paused.", is_flag=True)
@_option("--dry-run", help="Only list what would be deleted.", is_flag=True)
@_option("--yes", "-y", help="Delete without asking.", is_flag=True)
@json_option
@db_option
def command(
    db: str | None,
    as_json: bool,
    older_than: float,
    keep_failed: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Delete old runs for good, with everything that no other run needs, and shrink the file.

    Whole runs only, and never one that somebody works on. A run is as old as its last event, but
    no older than the beginning of the runs before it: a clock that was set back makes nothing
    old. The room is given back to the disk, unless a run is going on: then it is filled again.
    `maker backup` first, if in doubt.

    Asks on a terminal; without one, and without --yes, nothing is deleted: exit code 3.

    \b
    Examples:
      maker prune --older-than 30d --keep-failed --dry-run
      maker prune --older-than 2026-01-01 --yes
    """
    with opened(db) as reader:
        before = sizes.of_database(reader).total
        rows = prunable(reader, older_than, time.time(), keep_failed=keep_failed)
        old = [_Old(row, sizes.of_run(reader, row)) for row in rows]
    if not as_json:
        click.echo("\n".join(_listed(old, before)))
    if dry_run or not old:
        if as_json:
            _document(old, [], before, before, dry_run=dry_run)
        return Exit.DONE
    if not yes and not _agreed(old):
        click.echo("Nothing was deleted.", err=True)
        return Exit.NEEDS_USER
    return _prune(database(db), old, before, as_json=as_json)


def _prune(url: str, old: Sequence[_Old], before: int, *, as_json: bool) -> int:
    # Imported here because SQLAlchemy takes longer to load than a dry run takes in all.
    from maker.store import prune

    pruned = prune.prune(url, [run.row for run in old])
    with Reader(url) as reader:
        after = sizes.of_database(reader).total
    if as_json:
        _document(old, pruned.runs, before, after, dry_run=False)
        return Exit.DONE
    click.echo(
        f"deleted {count(len(pruned.runs), 'run')} and {count(pruned.contents, 'content')} that "
        f"nobody needs: {size_text(before)} -> {size_text(after)}"
    )
    if len(pruned.runs) < len(old):
        click.echo(f"kept {len(old) - len(pruned.runs)}: somebody has taken them up", err=True)
    if pruned.damage:
        click.echo(f"contents were kept, as a log may need them: {pruned.damage}", err=True)
    if pruned.in_use:
        click.echo(
            "the file was not shrunk, because a run is going on or the disk is full; its free "
            "room is filled again",
            err=True,
        )
    return Exit.DONE


def _agreed(old: Sequence[_Old]) -> bool:
    # Imported here because the terminal's module knows of runs, which are slow to load.
    from maker.cli.terminal import choice, on_terminal

    if not on_terminal():
        click.echo("To delete them: --yes.", err=True)
        return False
    question = f"Delete {count(len(old), 'run')} for good: [y]es or [n]o? "
    return asyncio.run(choice(question, "yes", "no")) == "yes"


def _listed(old: Sequence[_Old], before: int) -> list[str]:
    if not old:
        return ["no runs are that old"]
    cells = []
    for run in old[:MOST_LISTED]:
        summary = run.row.summary
        cells.append(
            (
                history.short_id(run.row.run_id),
                when(summary.updated_at, "%Y-%m-%d %H:%M"),
                one_line(history.status(run.row), 40),
                size_text(run.octets),
                one_line(summary.instruction, 60),
            )
        )
    lines = [*table(HEADINGS, cells)]
    if len(old) > MOST_LISTED:
        lines.append(f"and {len(old) - MOST_LISTED} more")
    octets = sum(run.octets or 0 for run in old)
    return [*lines, f"{count(len(old), 'run')}, about {size_text(octets)} of {size_text(before)}"]


def _document(
    old: Sequence[_Old], deleted: Sequence[str], before: int, after: int, *, dry_run: bool
) -> None:
    runs = [{**history.document(item.row), "bytes": item.octets} for item in old]
    echo_document(
        dry_run=dry_run, runs=runs, deleted=deleted, bytes_before=before, bytes_after=after
    )
