"""`maker replay`: does the log come out the same when it is run again, without the network?"""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from maker import replay
from maker.cli.documents import (
    RUN_HELP,
    SCHEMA_VERSION,
    StoredRun,
    echo_line,
    run_argument,
    stored_run,
)
from maker.cli.options import SectionCommand, SectionOption, db_option, json_option
from maker.cli.render import count
from maker.cli.viewers import json_line
from maker.core import events as e
from maker.core.text import one_line

EXIT_DIVERGED = 6
MOST_LISTED = 10


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@click.option(
    "--strict",
    is_flag=True,
    cls=SectionOption,
    section="Replay",
    help="Changed inputs count as a failure (exit code 6), too.",
)
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, strict: bool) -> int:
    """Run a log again and compare: no network, nothing is written, nothing is bought.

    Replies are taken from the log, and every decision must come out as it was recorded. Exit
    code 0 if so. `inputs changed` means that some calls would be put differently today, because
    a prompt or a setting is another one, while every decision is the same. Exit code 6 if the
    replay diverges: the first event that differs is named.
    """
    with stored_run(db, reference) as (_, stored):
        found = _replayed(stored, as_json)
    if as_json:
        summary = {"type": "Replayed", "schema_version": SCHEMA_VERSION, "run": stored.run}
        echo_line({**summary, **msgspec.to_builtins(found)})
    else:
        click.echo("\n".join(report(found)))
    fails = found.outcome == "diverged" or (strict and found.outcome == "inputs changed")
    return EXIT_DIVERGED if fails else 0


def _replayed(stored: StoredRun, as_json: bool) -> replay.Replay:
    seq = 0

    def show(event: e.Event) -> None:
        nonlocal seq
        seq += 1
        if as_json:
            click.echo(json_line(seq, event))

    return replay.replay(stored.records, show)


def report(found: replay.Replay) -> list[str]:
    """What the replay found, in a few lines."""
    size = f"{count(found.events, 'event')}, {count(found.replies, 'reply')}, {found.status}"
    match found.outcome:
        case "identical":
            return [f"identical: {size}"]
        case "inputs changed":
            return [f"inputs changed, same decisions: {size}", *_changed(found)]
        case "diverged":
            return [f"diverged after {size}", *_divergence(found)]


def _changed(found: replay.Replay) -> list[str]:
    lines = [
        f"  event {changed.seq}: the {changed.what} of {changed.key} would be another one today"
        for changed in found.changed[:MOST_LISTED]
    ]
    more = len(found.changed) - MOST_LISTED
    return [*lines, f"  ... and {more} more"] if more > 0 else lines


def _divergence(found: replay.Replay) -> list[str]:
    first = found.divergence
    if first is None:
        return []
    return [
        f"  event {first.seq} ({first.event}), field {first.field}:",
        f"  recorded  {_value(first.recorded)}",
        f"  replayed  {_value(first.replayed)}",
    ]


def _value(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 400)
