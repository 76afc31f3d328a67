"""`maker cancel`: end a run for good, also one that another process works on."""

from __future__ import annotations

import asyncio

import click

from maker import app
from maker.cli import stopping
from maker.cli.documents import RUN_HELP, database, opened, run_argument
from maker.cli.options import SectionCommand, db_option, json_option, option
from maker.core.models import RunId


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@option("Cancel", "--reason", default="", metavar="TEXT", help="Why, for the log.")
@stopping.no_wait_option
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, reason: str, no_wait: bool) -> None:
    """End a run for good: it cannot be resumed any more. What it has finished stays in its log.

    A run that another process works on is ended by that process, which looks once a second
    whether it is asked to: it stops its calls, records what they cost, and ends with exit code 1.
    To be able to go on later, use `maker pause`.
    """
    url = database(db)
    with opened(db) as reader:
        row = reader.run(reader.resolve(reference))
    if not asyncio.run(_cancel(row.run_id, url, reason)):
        if no_wait:
            stopping.tell(as_json, row, f"will be cancelled by {stopping.holder(row)}")
            return
        row = stopping.released(
            row.run_id,
            url,
            lambda held: f"Waiting for {stopping.holder(held)}, which stops its calls.",
        )
        if row.status != "cancelled":
            asyncio.run(_cancel(row.run_id, url, reason))
    with opened(db) as reader:
        stopping.tell(as_json, reader.run(row.run_id), "is cancelled")


async def _cancel(run: RunId, url: str, reason: str) -> bool:
    async with app.opened(url=url) as store:
        return await app.cancel(run, reason, store=store)
