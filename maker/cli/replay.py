"""`maker replay`: does the log come out the same when it is run again, without the network?"""

from __future__ import annotations

import itertools
import json
from typing import Any

import click

from maker.cli.documents import (
    RUN_HELP,
    SCHEMA_VERSION,
    echo_line,
    run_argument,
    stored_run,
)
from maker.cli.options import SectionCommand, db_option, json_option, option
from maker.cli.view.render import count
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core.text import one_line
from maker.errors import Exit
from maker.inspect import replay

MOST_LISTED = 12


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@option(
    "Replay",
    "--strict",
    is_flag=True,
    help="Changed inputs and changed rules count as a failure (exit code 6), too.",
)
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, strict: bool) -> int:
    """Run a log again and compare: no network, nothing is written, nothing is bought.

    Replies are taken from the log, and every decision must come out as it was recorded. Exit
    code 0 if so. `inputs changed` means that some calls would be put differently today, because
    a prompt or a setting is another one, while every decision is the same. `rules changed` means
    that an older maker decided by other rules: what today's would decide differently is listed.
    Exit code 6 if the replay diverges: the first event that differs is named.
    """
    numbers = itertools.count(1)

    def show(event: e.Event) -> None:
        if as_json:
            click.echo(json_line(next(numbers), event))

    with stored_run(db, reference) as stored:
        result = replay.replay(stored.records(), show)
    if as_json:
        summary = {"type": "Replayed", "schema_version": SCHEMA_VERSION, "run": stored.run}
        echo_line({**summary, **e.whole(result)})
    else:
        click.echo("\n".join(report(result)))
    fails = result.outcome == "diverged" or (strict and result.outcome != "identical")
    return Exit.DIVERGED if fails else Exit.DONE


def report(result: replay.Replay) -> list[str]:
    """What the replay found, in a few lines."""
    size = f"{count(result.events, 'event')}, {count(result.replies, 'reply')}, {result.status}"
    match result.outcome:
        case "identical":
            return [f"identical: {size}"]
        case "inputs changed":
            return [f"inputs changed, same decisions: {size}", *_changed(result)]
        case "rules changed":
            lines = [line for place in result.decided_differently for line in _divergence(place)]
            return [f"rules changed, decided differently today: {size}", *_cut(lines)]
        case "diverged":
            assert result.divergence is not None, "a replay that diverged says where"
            return [f"diverged after {size}", *_divergence(result.divergence)]


def _changed(result: replay.Replay) -> list[str]:
    return _cut(
        [
            f"  event {changed.seq}: the {changed.what} of {changed.key} would be another one today"
            for changed in result.changed
        ]
    )


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], f"  ... and {more} more"] if more > 0 else lines


def _divergence(place: replay.Divergence) -> list[str]:
    return [
        f"  event {place.seq} ({place.event}), field {place.field}:",
        f"  recorded  {_value(place.recorded)}",
        f"  replayed  {_value(place.replayed)}",
    ]


def _value(value: Any) -> str:
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 400)
