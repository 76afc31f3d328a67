"""`maker doctor --live`: the five small tasks of `probe.py`, put to the agent and summed up."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from maker import app
from maker.cli.interrupts import Interrupts
from maker.cli.view.render import count, money
from maker.cli.view.table import table
from maker.core.models import TaskConfig
from maker.core.text import one_line
from maker.errors import Exit
from maker.inspect import probe


def checked(config: TaskConfig, url: str, max_cost_usd: float) -> tuple[list[probe.Probed], int]:
    """Carry out the tasks in an empty folder; what came of each, and the exit code."""
    with tempfile.TemporaryDirectory(prefix="maker-live-") as folder:
        probe.prepare(Path(folder))
        placed = msgspec.structs.replace(config, cwd=folder)
        probed, signum = asyncio.run(_checked(placed, url, max_cost_usd))
    if signum is not None:
        return probed, Exit.of_signal(signum)
    done = [one for one in probed if one.status == "completed"]
    return probed, Exit.DONE if len(done) == len(probe.TASKS) else Exit.FAILED


async def _checked(
    config: TaskConfig, url: str, max_cost_usd: float
) -> tuple[list[probe.Probed], int | None]:
    probed: list[probe.Probed] = []
    async with app.opened(url=url) as store:
        with Interrupts() as interrupts:
            try:
                async for one in probe.probe(config, store, max_cost_usd):
                    probed.append(one)
                    click.echo(f"{one.status}: {one.instruction}", err=True)
            except asyncio.CancelledError:
                if interrupts.signum is None:
                    raise
    return probed, interrupts.signum


def report(probed: Sequence[probe.Probed], *, simulated: bool) -> list[str]:
    """Each task on a line, then the rates."""
    if not probed:
        return ["no task was carried out"]
    headings = ("RUN", "STATUS", "FIRST PLAN", "ANSWER", ">REPLIES", ">COST", "TASK")
    cost_usd = sum(one.cost_usd for one in probed)
    flags = Counter[str]()
    for one in probed:
        flags.update(one.flags)
    listed = ", ".join(f"{reason} {number}" for reason, number in flags.most_common()) or "none"
    first = sum(one.planned_at_once for one in probed)
    right = sum(one.answered for one in probed)
    judged = f"right answers: {right} of {len(probed)}"
    if simulated:
        judged = "simulated answers are not judged"
    return [
        *table(headings, [_cells(one, simulated) for one in probed]),
        f"first plan valid: {first} of {len(probed)}; {judged}",
        f"red flags among {count(sum(one.replies for one in probed), 'reply')}: {listed}",
        f"cost: {money(cost_usd, simulated=simulated)}; {len(probed)} of {len(probe.TASKS)} tasks "
        "carried out",
        *(f"{one.run_id[-8:]}: {one_line(one.detail, 300)}" for one in probed if one.detail),
    ]


def _cells(one: probe.Probed, simulated: bool) -> tuple[str, ...]:
    return (
        one.run_id[-8:],
        one.status,
        "valid" if one.planned_at_once else "refused",
        "simulated" if simulated else "right" if one.answered else "not right",
        str(one.replies),
        money(one.cost_usd, simulated=simulated),
        one_line(one.instruction, 60),
    )
