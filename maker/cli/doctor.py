"""`maker doctor`: what works here, and what to do about what does not."""

from __future__ import annotations

import os

import click

from maker.cli.documents import database, echo_document
from maker.cli.options import SectionCommand, db_option, json_option
from maker.cli.table import table
from maker.core.text import one_line
from maker.diagnosis import Finding, diagnosis

EXIT_NOT_USABLE, EXIT_NO_CREDENTIALS = 1, 4
_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


@click.command(cls=SectionCommand)
@json_option
@db_option
def command(db: str | None, as_json: bool) -> int:
    """Say what works here: versions, login, database, processes left behind.

    Names the source of your credentials, never their value; asks nobody and changes nothing.
    Exit code 0 if maker can be used, 4 if only the login is missing, otherwise 1.
    """
    findings = diagnosis(database(db), os.environ)
    if as_json:
        echo_document(findings=findings, usable=exit_code(findings) == 0)
    else:
        cells = [_cells(finding) for finding in findings]
        click.echo("\n".join(table(("STATE", "WHAT", "FOUND"), cells)))
        for finding in findings:
            if finding.advice:
                click.echo(f"{finding.name}: {one_line(finding.advice, 300)}")
    return exit_code(findings)


def exit_code(findings: list[Finding]) -> int:
    """What the process says about the findings."""
    problems = {finding.name for finding in findings if finding.state == "problem"}
    if problems - {"credentials"}:
        return EXIT_NOT_USABLE
    return EXIT_NO_CREDENTIALS if problems else 0


def _cells(finding: Finding) -> tuple[str, ...]:
    return _MARKS[finding.state], finding.name, one_line(finding.text, 300)
