"""`maker undo`: take back what a run has changed in its folder."""

from __future__ import annotations

import click

from maker.cli.documents import RUN_HELP, echo_document, run_argument, stored_run
from maker.cli.file_changes import applied_changes, step_option
from maker.cli.options import SectionCommand, db_option, json_option, option
from maker.core.text import one_line
from maker.engine.isolation import usual_trees
from maker.errors import Exit


@click.command(cls=SectionCommand, epilog=RUN_HELP)
@run_argument
@step_option
@option("Changes", "--dry-run", is_flag=True, help="Say what would be taken back; do nothing.")
@json_option
@db_option
def command(reference: str, step: int | None, dry_run: bool, as_json: bool, db: str | None) -> int:
    """Take back what RUN changed in its folder while its agents were isolated, the newest first.

    A file that somebody has changed since stays as it is and is named; the exit code is then 3.
    Files that git ignores stay, too.
    """
    with stored_run(db, reference) as stored:
        newest_first = [*applied_changes(stored, step)][::-1]
    undone = [
        usual_trees(applied.folder).undo(applied.changes, dry_run=dry_run)
        for applied in newest_first
    ]
    taken = [path for each in undone for path in each.paths]
    conflicts = [path for each in undone for path in each.conflicts]
    left = [path for each in undone for path in each.left]
    if as_json:
        echo_document(
            run=stored.run, dry_run=dry_run, taken_back=taken, changed_since=conflicts, ignored=left
        )
    else:
        done = "would be taken back" if dry_run else "taken back"
        lists = (done, taken), ("changed since, left", conflicts), ("ignored by git, left", left)
        for word, paths in lists:
            for path in paths:
                click.echo(f"{word}: {one_line(path, 200)}", err=paths is not taken)
    return Exit.NEEDS_USER if conflicts else Exit.DONE
