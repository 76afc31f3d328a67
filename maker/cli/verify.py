"""`maker verify`: is a run's log whole, unchanged, and does its row say what it says?"""

from __future__ import annotations

import click
import msgspec

from maker.cli.documents import RUN_HELP, StoredRun, echo_document, run_argument, stored_run
from maker.cli.options import SectionCommand, SectionOption, db_option, json_option
from maker.core.fold import fold
from maker.core.state import summary
from maker.core.text import one_line
from maker.errors import LogDamaged

SHORTEST_HASH = 16


def _hash(text: str) -> str:
    """A head hash as it was noted: hex, all of it or enough of its beginning."""
    digits = text.strip().lower()
    if not SHORTEST_HASH <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise click.BadParameter(
            f"{one_line(text, 80)!r} is not a head hash: give {SHORTEST_HASH} to 64 hex digits, "
            "as a finished run printed them"
        )
    return digits


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@click.option(
    "--expect",
    type=_hash,
    metavar="HASH",
    cls=SectionOption,
    section="Verify",
    help="The head hash that you noted when the run ended.",
)
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, expect: str | None) -> None:
    """Check a run's log: the chain of hashes, every event, and the row that lists show.

    Exit code 6 if something does not hold. The chain finds damage and careless edits. It
    proves nothing against whoever may write the database, unless the head hash was noted
    elsewhere: compare with it by --expect.
    """
    with stored_run(db, reference) as (_, stored):
        _check_row(stored)
        if expect:
            _check_head(stored, expect)
    if as_json:
        echo_document(
            run=stored.run,
            intact=True,
            as_expected=True if expect else None,
            head_seq=stored.row.head_seq,
            head_hash=stored.row.head_hash,
        )
    else:
        click.echo(f"intact: {stored.row.head_seq} events{', as expected' if expect else ''}")
        click.echo(f"head    {stored.row.head_hash}")


def _check_row(stored: StoredRun) -> None:
    folded = msgspec.to_builtins(summary(fold(stored.log)))
    row = msgspec.to_builtins(stored.row.summary)
    wrong = [name for name, value in folded.items() if row[name] != value]
    if wrong:
        listed = ", ".join(f"{name} ({row[name]!r} instead of {folded[name]!r})" for name in wrong)
        raise LogDamaged(
            f"the log is intact, but the run's row disagrees with it: {one_line(listed, 400)}",
            seq=stored.row.head_seq,
            advice="Lists show the row: do not rely on them for this run. `maker show` reads the "
            "log.",
        )


def _check_head(stored: StoredRun, expect: str) -> None:
    if stored.row.head_hash.startswith(expect):
        return
    for record in stored.records:
        if record.hash.hex().startswith(expect):
            raise LogDamaged(
                f"the log has grown: {expect} is the hash of event {record.seq}, and "
                f"{stored.row.head_seq - record.seq} events follow it",
                seq=record.seq + 1,
                advice="Up to that event it is what you noted; a resume may have added the rest.",
            )
    raise LogDamaged(
        f"the head is {stored.row.head_hash}, not {expect}: this is not the log that you noted",
        advice="It was rewritten, or belongs to another run. Restore the database from a backup.",
    )
