"""`maker pause`: let a run in another process come to rest."""

from __future__ import annotations

import asyncio

import click

from maker import app
from maker.cli import stopping
from maker.cli.documents import RUN_HELP, database, opened, run_argument
from maker.cli.options import SectionCommand, db_option, json_option, option
from maker.core.models import RunId
from maker.inspect import history
from maker.store.lease import parse
from maker.store.queries import RunRow


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@option("Pause", "--reason", default="", metavar="TEXT", help="Why, for the log.")
@stopping.no_wait_option
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, reason: str, no_wait: bool) -> None:
    """Let a run that another process works on come to rest; `maker resume` goes on with it.

    The process that works on it, on whatever terminal or machine, looks once a second whether it
    is asked to. It launches no more calls, waits for those that are under way (they are paid, and
    one that writes is not cut off in the middle), and ends with exit code 3. To stop it at once
    instead, end that process: it then records what can be recorded.

    A run that nobody works on is at rest already. Exit code 0 in either case.
    """
    url = database(db)
    with opened(db) as reader:
        row = reader.run(reader.resolve(reference))
    if not row.is_held:
        stopping.tell(as_json, row, "is not being worked on: there is nothing to pause")
        return
    asyncio.run(_pause(row.run_id, url, reason))
    if no_wait:
        stopping.tell(as_json, row, f"will be paused by {stopping.holder(row)}")
        return
    row = stopping.released(row.run_id, url, _waiting)
    late = "" if row.status == "paused" else ": it came to that before it could pause"
    stopping.tell(as_json, row, f"is {history.status(row)}{late}")


async def _pause(run: RunId, url: str, reason: str) -> None:
    async with app.opened(url=url) as store:
        await app.pause(run, reason, store=store)


def _waiting(row: RunRow) -> str:
    pid = parse(row.lease_owner or "").pid
    return (
        f"Waiting for {stopping.holder(row)}, which finishes the calls that are under way; to stop "
        f"it at once, there: kill {pid}."
    )
