"""Five small tasks put to the real agent: how well do its plans and replies come out today?

It costs a little money; `maker doctor --live` is its only user. What is measured is the first
plan of each task, the red flags by reason, and whether the known answer came out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from maker import app
from maker.core import events as e
from maker.core.models import RunId, TaskConfig, Value
from maker.core.seams import EventStore

FILES = {
    "prices.csv": "item,price\nlamp,19\nchair,49\ndesk,120\n",
    "version.txt": "2.4\n",
    "notes/march.txt": "Paid the invoice of the printer.\n",
    "notes/april.txt": "Nothing came in the mail.\n",
    "notes/may.txt": "A second invoice arrived; it is not paid.\n",
}
"""What the tasks are about; written into an empty folder."""


class Task(Value, frozen=True, kw_only=True):
    """An instruction and a word that stands in every right answer."""

    instruction: str
    expected: str


TASKS = (
    Task(instruction="What is 17 times 23? Answer with the number.", expected="391"),
    Task(instruction="Which item in prices.csv is the dearest?", expected="desk"),
    Task(
        instruction="How many of the files in notes/ mention an invoice? Answer with the number.",
        expected="2",
    ),
    Task(
        instruction="For each file in notes/, say in one sentence what it is about.",
        expected="printer",
    ),
    Task(
        instruction="If version.txt holds 2.0 or more, name the cheapest item in prices.csv, "
        "otherwise answer with the word old.",
        expected="lamp",
    ),
)


class Probed(Value, frozen=True, kw_only=True):
    """How one task went."""

    instruction: str
    run_id: RunId
    status: str
    planned_at_once: bool
    answered: bool
    replies: int
    flags: dict[str, int]
    cost_usd: float
    detail: str = ""


def prepare(folder: Path) -> None:
    """Write the files that the tasks are about."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def probe(
    config: TaskConfig, store: EventStore, max_cost_usd: float
) -> AsyncGenerator[Probed, None]:
    """Carry out the tasks one after another, as long as the money lasts."""
    left_usd = max_cost_usd
    for task in TASKS:
        if left_usd <= 0:
            return
        settings = msgspec.structs.replace(
            config, instruction=task.instruction, max_cost_usd=left_usd
        )
        probed = await _one(task, settings, store)
        left_usd -= probed.cost_usd
        yield probed
        if probed.status == "paused":
            return


async def _one(task: Task, config: TaskConfig, store: EventStore) -> Probed:
    session = app.submit(config, store=store, workspace="\n".join(sorted(FILES)))
    events = [event async for event in session.run()]
    state = session.orchestrator.state
    output = state.finished.result.get("output") if state.finished else None
    answer = json.dumps(output, ensure_ascii=False).lower()
    validations = (e.ValidationPassed, e.ValidationFailed)
    first = next((event for event in events if isinstance(event, validations)), None)
    flags = Counter(event.reason for event in events if isinstance(event, e.SampleRedFlagged))
    return Probed(
        instruction=task.instruction,
        run_id=session.orchestrator.run_id,
        status=state.status,
        planned_at_once=isinstance(first, e.ValidationPassed),
        answered=state.status == "completed" and task.expected in answer,
        replies=sum(isinstance(event, e.AgentReplied) for event in events),
        flags=dict(sorted(flags.items())),
        cost_usd=state.totals.cost_usd,
        detail=state.detail or state.reason,
    )
