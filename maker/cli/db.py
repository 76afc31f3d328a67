"""`maker db`: bring the database up to date, or check all of it."""

from __future__ import annotations

import click
import msgspec

from maker.cli.documents import database, echo_document
from maker.cli.options import SectionCommand, db_option, json_option, new_db_option
from maker.cli.render import count
from maker.core.text import one_line
from maker.store import check as checking
from maker.store import location

EXIT_DAMAGED = 6


@click.group()
def command() -> None:
    """Bring the database up to date, or check all of it."""


@command.command(cls=SectionCommand)
@json_option
@new_db_option
def upgrade(db: str | None, as_json: bool) -> None:
    """Bring the schema up to date, or create the database.

    Every command that writes does this by itself; commands that only read ask for it. It is
    done in one transaction: whole or not at all.
    """
    # Imported here because SQLAlchemy takes longer to load than the other commands take in all.
    from maker.store import migrate

    url = database(db)
    changed = migrate.upgrade(url)
    if as_json:
        echo_document(database=location.shown(url), changed=changed)
    else:
        click.echo(f"{location.shown(url)}: {'is now' if changed else 'was already'} up to date")


@command.command(cls=SectionCommand, short_help="Check the file and every run's log.")
@json_option
@db_option
def check(db: str | None, as_json: bool) -> int:
    """Check the file, the triggers, every run's chain of hashes and every stored content.

    Exit code 6 if something is wrong; nothing is changed.
    """
    report = checking.check(database(db))
    if as_json:
        echo_document(**msgspec.to_builtins(report))
    elif report.version is None:
        click.echo(f"{report.place}: no database yet")
    else:
        size = f"{count(report.runs, 'run')}, {count(report.events, 'event')}"
        found = count(len(report.problems), "problem") if report.problems else "sound"
        click.echo(f"{report.place}: schema {report.version}, {size}: {found}")
        for problem in report.problems:
            click.echo(f"  {one_line(problem, 400)}")
    return EXIT_DAMAGED if report.problems else 0
