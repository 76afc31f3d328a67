"""`maker db`: bring the database up to date, or check all of it."""

from __future__ import annotations

import click
import msgspec

from maker.cli.documents import database, echo_document
from maker.cli.options import SectionCommand, db_option, json_option, new_db_option
from maker.cli.view.render import count
from maker.core.text import one_line
from maker.errors import Exit
from maker.store import check as checking
from maker.store import ddl, location


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


@command.command(cls=SectionCommand, short_help="Check all of it: file, schema, logs, rows.")
@json_option
@db_option
def check(db: str | None, as_json: bool) -> int:
    """Compare everything in the database with what it must be; nothing is changed.

    The file (SQLite's own check), tables, indexes, triggers, views and their version; every
    run's chain of hashes and events; the row that lists show, against its log; where each log
    ended, against what was noted in DATABASE-heads; every stored content, and whether some run
    needs it. Takes about a minute for a million events. Exit code 6 if something is wrong.
    """
    report = checking.check(database(db))
    if report.note:
        click.echo(f"Note: {one_line(report.note, 400)}.", err=True)
    if as_json:
        echo_document(**msgspec.to_builtins(report))
        return Exit.DIVERGED if report.problems else Exit.DONE
    if report.version is not None:
        size = f"{count(report.runs, 'run')}, {count(report.events, 'event')}"
        outcome = count(len(report.problems), "problem") if report.problems else "sound"
        click.echo(f"{report.place}: schema {report.version}, {size}: {outcome}")
    elif report.problems:
        click.echo(f"{report.place}:")
    else:
        click.echo(f"{report.place}: no database yet")
    for problem in report.problems:
        click.echo(f"  {one_line(problem, 400)}")
    if report.version is not None and report.version < ddl.VERSION:
        click.echo(f"  (this maker writes schema {ddl.VERSION}: the next run upgrades it)")
    return Exit.DIVERGED if report.problems else Exit.DONE
