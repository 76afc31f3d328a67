"""`maker doctor`: what works here, and what to do about what does not."""

from __future__ import annotations

import os
from typing import Any

import click
import msgspec

from maker.cli.documents import database, echo_document
from maker.cli.options import Real, SectionCommand, json_option, new_db_option, option
from maker.cli.view.table import table
from maker.core.kinds import KINDS, AgentName, kind_of
from maker.core.models import TaskConfig
from maker.core.text import one_line
from maker.errors import Exit
from maker.inspect.diagnosis import HealthCheck, diagnosis

LIVE = "Live"
LIVE_COST_CAP_USD = 0.5
_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


@click.command(cls=SectionCommand)
@option(
    LIVE, "--live", help="Also put five small tasks to the agent; this costs money.", is_flag=True
)
@option(
    LIVE,
    "--max-cost-usd",
    help="With --live: stop at this cost.",
    type=Real(0, min_open=True),
    default=LIVE_COST_CAP_USD,
    show_default=True,
    metavar="N",
)
@option(LIVE, "--model", help=f"With --live: the model. [{TaskConfig(instruction='-').model}]")
@option(
    LIVE,
    "--agent",
    help="With --live: who is asked.",
    type=click.Choice(list(KINDS)),
    default="claude",
    show_default=True,
)
@json_option
@new_db_option
def command(db: str | None, as_json: bool, live: bool, **options: Any) -> int:
    """Say what works here: versions, login, database, processes left behind.

    Names the source of your credentials, never their value. Without --live it asks nobody and
    changes nothing. Exit code 0 if maker can be used, 4 if only the login is missing,
    otherwise 1. With --live it also says how often the first plan was valid and which replies
    had to be thrown away; exit code 1 if a task was not completed.
    """
    findings = diagnosis(database(db), os.environ)
    code = exit_code(findings, options["agent"])
    if not as_json:
        rows = [
            (_MARKS[finding.state], finding.name, one_line(finding.text, 300))
            for finding in findings
        ]
        click.echo("\n".join(table(("STATE", "WHAT", "FOUND"), rows)))
        for finding in findings:
            if finding.advice:
                click.echo(f"{finding.name}: {one_line(finding.advice, 300)}")
    if live and code == 0:
        return _live(database(db), findings, as_json, **options)
    if as_json:
        echo_document(findings=findings, usable=code == 0)
    return code


def exit_code(findings: list[HealthCheck], agent: AgentName = "claude") -> int:
    """What the process says about the findings; not every agent needs a login."""
    problems = {finding.name for finding in findings if finding.state == "problem"}
    if problems - {"credentials"}:
        return Exit.FAILED
    return Exit.NO_AGENT if problems and kind_of(agent).needs_login else Exit.DONE


def _live(
    url: str,
    findings: list[HealthCheck],
    as_json: bool,
    *,
    agent: AgentName,
    model: str | None,
    max_cost_usd: float,
) -> int:
    # Imported here because running an agent takes much more to load than looking around.
    from maker.cli import live_check

    config = TaskConfig(instruction="-", agent=agent)
    if model:
        config = msgspec.structs.replace(config, model=model)
    probed, code = live_check.checked(config, url, max_cost_usd)
    if as_json:
        echo_document(findings=findings, usable=True, live=probed)
    else:
        click.echo("\n".join(live_check.report(probed, simulated=not kind_of(agent).is_paid)))
    return code
