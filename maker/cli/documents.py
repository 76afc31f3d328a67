"""What the commands that look at runs share: opening a run, and JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from maker.core import events as e
from maker.core.models import RunId
from maker.core.seams import Record
from maker.core.text import one_line, terminal_safe
from maker.errors import LogDamaged, MakerError
from maker.store import location
from maker.store.queries import Reader, RunRow

SCHEMA_VERSION = 1
"""Raised when a field of the documents changes its meaning or goes away."""

_MOST_COMPLETED = 20


def run_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers for RUN: the newest runs, each with its status and instruction.

    A word is completed or not, but never an error: whoever types has asked for nothing yet.
    """
    try:
        with Reader(database(ctx.params.get("db"))) as reader:
            rows = reader.runs(limit=_MOST_COMPLETED)
    except MakerError:
        rows = []
    offered = [CompletionItem("@last", help="the newest run")]
    for row in rows:
        what = one_line(f"{row.status}: {row.summary.instruction}", 60)
        offered.append(CompletionItem(row.run_id, help=what))
    return [item for item in offered if item.value.startswith(incomplete)]


run_argument = click.argument("reference", metavar="RUN", shell_complete=run_ids)
"""The run that a command is about; what it may look like is said in RUN_HELP."""

RUN_HELP = "RUN is an id, four or more characters of its beginning or end, @last, or @last~1."


class StoredRun:
    """A run as it is in the database: its row, and its log, which is read as it is asked for."""

    def __init__(self, reader: Reader, row: RunRow) -> None:
        self.reader, self.row = reader, row

    @property
    def run(self) -> RunId:
        """The full id."""
        return self.row.run_id

    def records(self) -> Iterator[Record]:
        """The log up to the head of the row, each record once it is verified."""
        return self.reader.log(self.row)

    def events(self) -> Iterator[e.Event]:
        """The events of the log. Raises LogDamaged."""
        return (e.decode(record.payload, seq=record.seq) for record in self.records())


def database(option: str | None) -> str:
    """The database that the option or the environment names."""
    return location.database_url(option, os.environ)


@contextmanager
def opened(option: str | None) -> Iterator[Reader]:
    """The database for reading; what should be known about it is said on stderr."""
    with Reader(database(option)) as reader:
        if reader.note:
            click.echo(f"Note: {terminal_safe(reader.note)}.", err=True)
        yield reader


@contextmanager
def stored_run(option: str | None, reference: str) -> Iterator[StoredRun]:
    """The run that is meant, with the open database. Raises RunNotFound or LogDamaged."""
    with opened(option) as reader:
        row = reader.run(reader.resolve(reference))
        try:
            reader.require_end(row)
        except LogDamaged as damage:  # what is left can still be looked at; verify refuses it
            click.echo(f"Note: {terminal_safe(damage.message)}.", err=True)
        yield StoredRun(reader, row)


def echo_text(text: str) -> None:
    """Print text that a model or user wrote: exact for programs, harmless on a terminal."""
    click.echo(terminal_safe(text) if sys.stdout.isatty() else text)


def echo_document(**content: Any) -> None:
    """Print one JSON document on stdout; ASCII, so that any terminal is safe."""
    document = {"schema_version": SCHEMA_VERSION, **e.whole(content)}
    click.echo(json.dumps(document, indent=2))


def echo_listing(name: str, items: Iterable[Any], **content: Any) -> None:
    """Print a JSON document that ends with a list of any length, an item a line."""
    document = {"schema_version": SCHEMA_VERSION, **e.whole(content)}
    click.echo(f"{json.dumps(document)[:-1]}, {json.dumps(name)}: [", nl=False)
    for number, item in enumerate(items):
        click.echo(f"{',' if number else ''}\n{json.dumps(e.whole(item))}", nl=False)
    click.echo("\n]}")


def echo_line(content: dict[str, Any]) -> None:
    """Print one line of JSON on stdout, in ASCII."""
    click.echo(json.dumps(e.whole(content)))
