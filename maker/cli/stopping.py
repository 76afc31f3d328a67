"""How `maker pause` and `maker cancel` reach a run that another process works on."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from maker.cli.documents import echo_document
from maker.cli.options import option
from maker.core.models import RunId
from maker.core.text import one_line
from maker.store.lease import parse
from maker.store.queries import Reader, RunRow

_LOOK_EVERY_S = 0.2
_SAY_AFTER_S = 3.0

no_wait_option = option(
    "Another process",
    "--no-wait",
    is_flag=True,
    help="Leave the request and end; do not wait until it took effect.",
)


def released(run: RunId, url: str, waiting: Callable[[RunRow], str]) -> RunRow:
    """The row of the run once nobody works on it any more; what is waited for is said once."""
    since = time.monotonic()
    is_announced = False
    while True:
        with Reader(url) as reader:
            row = reader.run(run)
        if not row.is_held:
            return row
        if not is_announced and time.monotonic() - since > _SAY_AFTER_S:
            click.echo(f"{waiting(row)} Ctrl-C ends the waiting, not the request.", err=True)
            is_announced = True
        time.sleep(_LOOK_EVERY_S)


def holder(row: RunRow) -> str:
    """The process that works on the run, as people name it."""
    owner = parse(row.lease_owner or "")
    return one_line(f"process {owner.pid} on {owner.host}", 80)


def tell(as_json: bool, row: RunRow, message: str) -> None:
    """Say what became of the run."""
    if as_json:
        echo_document(run=row.run_id, status=row.status, head_seq=row.head_seq, message=message)
    else:
        click.echo(f"run {row.run_id} {message}")
