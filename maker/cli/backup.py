"""`maker backup`: a checked copy of the database, also while runs write."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from maker.cli.documents import database, echo_document
from maker.cli.options import SectionCommand, SectionOption, db_option, json_option
from maker.cli.view.render import count
from maker.store.backup import backup
from maker.store.heads import file_of
from maker.store.sizes import size_text


@click.command(cls=SectionCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--force",
    is_flag=True,
    cls=SectionOption,
    section="Backup",
    help="Overwrite FILE, once the new copy has been checked.",
)
@json_option
@db_option
def command(file: Path, db: str | None, as_json: bool, force: bool) -> None:
    """Copy the database into FILE; runs may go on meanwhile.

    The copy is of one moment, and whole: it is checked as by `maker db check` before it comes to
    its place, and where each log ends is noted in FILE-heads. Copying the file by other means may
    lose what is still in its -wal. Exit code 6, and no FILE, if the database is damaged.

    \b
    Look into a backup, or put it back while no run is going on:
      maker history --db FILE
      rm -f maker.db-wal maker.db-shm; cp FILE maker.db; cp FILE-heads maker.db-heads
    """
    target = file.absolute()
    report = backup(database(db), target, overwrite=force)
    size = target.stat().st_size
    if as_json:
        document = msgspec.to_builtins(report)
        del document["place"], document["note"]
        echo_document(file=str(target), heads=str(file_of(target)), bytes=size, **document)
    else:
        amount = f"{count(report.runs, 'run')}, {count(report.events, 'event')}"
        click.echo(f"{target}: {amount}, {size_text(size)}: sound")
