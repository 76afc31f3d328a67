"""`maker changes`: what a run has changed in its folder, step by step."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from msgspec import Struct

from maker.cli.documents import RUN_HELP, StoredRun, echo_line, run_argument, stored_run
from maker.cli.options import SectionCommand, Whole, db_option, json_option, option
from maker.core import events as e
from maker.core.keys import SamplePlace, sample_place
from maker.core.models import CallKey, FileChange, FileChanges
from maker.core.text import one_line, terminal_safe
from maker.engine.isolation import usual_trees
from maker.errors import ConfigError

_MARKS = {"added": "+", "removed": "-", "mode": "m", "link": "@"}
step_option = option(
    "Changes", "--step", type=Whole(0), metavar="N", help="Only those of this step of the plan."
)


class AppliedChanges(Struct, frozen=True, kw_only=True):
    """The changes of one winning sample, and the folder that they were applied to."""

    place: SamplePlace
    folder: str
    changes: FileChanges


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@step_option
@option("Changes", "--patch", is_flag=True, help="Print them as a patch that `git apply` takes.")
@json_option
@db_option
def command(reference: str, step: int | None, patch: bool, as_json: bool, db: str | None) -> None:
    """Show what RUN changed in its folder while its agents were isolated (--isolate copy)."""
    with stored_run(db, reference) as stored:
        for applied in applied_changes(stored, step):
            if as_json:
                place, changes = applied.place, applied.changes
                echo_line(
                    {
                        "run": stored.run,
                        "step": place.step,
                        "iteration": place.iteration,
                        "folder": applied.folder,
                        "changes": changes,
                    }
                )
            elif patch:
                text = usual_trees(applied.folder).patch(applied.changes)
                click.echo(terminal_safe(text) if sys.stdout.isatty() else text, nl=False)
            else:
                click.echo("\n".join(_lines(applied)))


def applied_changes(stored: StoredRun, step: int | None) -> Iterator[AppliedChanges]:
    """What was applied, in order. Raises ConfigError where nothing was."""
    replies: dict[CallKey, FileChanges] = {}
    is_empty = True
    for event in stored.events():
        if isinstance(event, e.AgentReplied) and event.reply.changes is not None:
            replies[event.key] = event.reply.changes
        elif isinstance(event, e.ChangesApplied):
            place = sample_place(event.key)
            if place is not None and step in (None, place.step):
                is_empty = False
                changes = replies[event.key]
                yield AppliedChanges(place=place, folder=event.folder, changes=changes)
    if is_empty:
        where = "" if step is None else f" in step {step}"
        raise ConfigError(
            f"run {stored.run} has applied no changes{where}",
            advice="They are recorded of steps that write, where the run has --isolate copy.",
        )


def _lines(applied: AppliedChanges) -> Iterator[str]:
    place = applied.place
    yield f"step {place.step}.{place.iteration} in {one_line(applied.folder, 300)}"
    yield from map(_line, applied.changes.entries)


def _line(entry: FileChange) -> str:
    mark, path = _MARKS.get(entry.kind, "~"), one_line(entry.path, 200)
    ignored = "  (ignored by git: it cannot be taken back)" if entry.ignored else ""
    return f"  {mark} {path}  +{entry.lines_added} -{entry.lines_removed}{ignored}"
