"""`maker verify`: is a run's log whole, unchanged, and does its row say what it says?"""

from __future__ import annotations

import click

from maker.cli.documents import RUN_HELP, echo_document, opened, run_argument
from maker.cli.options import SectionCommand, db_option, json_option, option
from maker.core.text import one_line
from maker.errors import LogDamaged
from maker.store import heads
from maker.store.proof import Proof, prove
from maker.store.queries import Reader

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
@option(
    "Verify",
    "--expect",
    type=_hash,
    metavar="HASH",
    help="The head hash that you noted when the run ended.",
)
@json_option
@db_option
def command(reference: str, db: str | None, as_json: bool, expect: str | None) -> None:
    """Check a run's log: the chain of hashes, every event, the row that lists show, its end.

    Exit code 6 if something does not hold.

    The chain finds damage and careless edits inside a log. That a log has lost its end is found
    by the file DATABASE-heads, which notes where each log ended when its run last stopped. Of a
    run that is under way or has crashed nothing proves that it went no further; nor of a
    database that was copied without that file, nor in PostgreSQL, where there is none. All of it
    proves nothing against whoever may write these files, unless the head hash was noted
    elsewhere: compare with it by --expect.
    """
    with opened(db) as reader:
        row = reader.run(reader.resolve(reference))
        noted = reader.notes().heads.get(row.run_id)
        proof = prove(reader, row, noted, expect=expect or "")
    _require_expected(proof, expect)
    end = _end(proof, reader)
    if as_json:
        echo_document(
            run=row.run_id,
            intact=True,
            as_expected=True if expect else None,
            end=end,
            noted_seq=proof.noted,
            head_seq=row.head_seq,
            head_hash=row.head_hash,
        )
    else:
        click.echo(f"intact: {row.head_seq} events{', as expected' if expect else ''}")
        click.echo(f"head    {row.head_hash}")
        where = heads.file_of(reader.path) if reader.path else "PostgreSQL"
        click.echo(f"end     {_ENDS[end].format(status=row.status, where=where)}")


_ENDS = {
    "noted": "as noted in {where} when the run stopped",
    "open": "the run is {status}: nothing proves that it went no further",
    "not noted": "not noted in {where}, as in a copy without that file: nothing proves that it "
    "went no further",
    "unreadable": "{where} cannot be read: nothing proves that it went no further",
    "never noted": "not noted, as nothing is with {where}: nothing proves that it went no further",
}


def _end(proof: Proof, reader: Reader) -> str:
    """What can be said about the end of the log: a key of `_ENDS`."""
    if proof.noted == proof.row.head_seq:
        return "noted"
    if proof.row.status in ("running", "crashed"):
        return "open"
    if reader.path is None:
        return "never noted"
    return "unreadable" if reader.notes().refusal else "not noted"


def _require_expected(proof: Proof, expect: str | None) -> None:
    row = proof.row
    if not expect or proof.expected_at == row.head_seq:
        return
    if proof.expected_at is not None:
        raise LogDamaged(
            f"the log has grown: {expect} is the hash of event {proof.expected_at}, and "
            f"{row.head_seq - proof.expected_at} events follow it",
            seq=proof.expected_at + 1,
            advice="Up to that event it is what you noted; a resume may have added the rest.",
        )
    raise LogDamaged(
        f"the head is {row.head_hash}, not {expect}: this is not the log that you noted",
        advice="It was rewritten, or belongs to another run. Restore the database from a backup.",
    )
