"""`maker cancel`: end a run that has stopped, for good."""

from __future__ import annotations

import asyncio

import click

from maker import app
from maker.cli.documents import RUN_HELP, database, echo_document, opened, run_argument
from maker.cli.options import SectionCommand, SectionOption, db_option, json_option
from maker.core.clock import SystemClock
from maker.core.events import RunCancelled
from maker.core.models import RunId
from maker.core.seams import EventStore
from maker.errors import ConfigError
from maker.store.claim import Claim
from maker.store.log import EventLog


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    cls=SectionOption,
    section="Cancel",
    help="Why, for the log.",
)
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, reason: str) -> None:
    """End a paused, failed or crashed run: it cannot be resumed any more.

    What it has finished stays in its log. A run that is being worked on is not touched: stop
    that process instead (Ctrl-C), which leaves a run that can be resumed.
    """
    url = database(db)
    with opened(db) as reader:
        run = reader.resolve(reference)
    asyncio.run(_cancel(run, url, reason))
    if as_json:
        echo_document(run=run, status="cancelled")
    else:
        click.echo(f"cancelled {run}")


async def _cancel(run: RunId, url: str, reason: str) -> None:
    async with app.opened(url=url) as store:
        await cancel(run, store, reason)


async def cancel(run: RunId, store: EventStore, reason: str) -> None:
    """Append RunCancelled to a run that nobody works on. Raises RunBusy or ConfigError."""
    claim = Claim(run, store, SystemClock())
    await claim.renew()
    try:
        log = EventLog(claim, await store.load(run), secrets=app.secrets())
        if log.state.status in ("completed", "cancelled"):
            raise ConfigError(
                f"run {run} is over: it is {log.state.status}",
                advice=f"See what it did: maker show {run}",
            )
        log.append(RunCancelled(detail=reason))
        await log.writer.close()
    finally:
        await claim.release()
