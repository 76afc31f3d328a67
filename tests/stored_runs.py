"""Runs in a database, made by the real orchestrator, for commands to look at."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fakes import FakeClock, ScriptedAgent
from maker.app import registry_for
from maker.core import events as e
from maker.core import keys
from maker.core.fold import fold
from maker.core.models import AgentCall, Plan, RunId, TaskConfig
from maker.core.state import summary
from maker.engine.orchestrator import Orchestrator
from maker.store.sql import SqlStore

Script = Callable[[AgentCall], Any]


def database() -> Path:
    """Where the commands of this test look."""
    return Path(os.environ["MAKER_HOME"]) / "maker.db"


def stored(
    script: Script,
    plan: Plan | None,
    *,
    config: TaskConfig | None = None,
    run: str | None = None,
    clock: FakeClock | None = None,
) -> RunId:
    """Carry out a plan into the test's database and give the run's id."""
    return asyncio.run(_stored(script, plan, config, run, clock or FakeClock()))


async def _stored(
    script: Script, plan: Plan | None, config: TaskConfig | None, run: str | None, clock: FakeClock
) -> RunId:
    config = config or TaskConfig(instruction="Count the words.")
    store = SqlStore(database())
    orchestrator = Orchestrator(
        config,
        registry_for(config),
        store=store,
        agent=ScriptedAgent(script),
        clock=clock,
        run_id=RunId(run) if run else None,
    )
    opening: list[e.Event] = [orchestrator.submission()]
    if plan is not None:
        opening.append(e.PlanCreated(plan=plan, origin="user"))
    try:
        async for _ in orchestrator.run(*opening):
            pass
    finally:
        await store.close()
    return orchestrator.run_id


def cut(run: RunId, events: int) -> RunId:
    """The run as a crash after this many events would have left it, in a database of its own."""
    return asyncio.run(_cut(run, events))


async def _cut(run: RunId, events: int) -> RunId:
    old = SqlStore(database())
    records = (await old.load(run))[:events]
    await old.close()
    for path in database().parent.iterdir():
        path.unlink()
    store = SqlStore(database())
    state = fold(e.decode(record.payload) for record in records)
    await store.append(run, records, {}, summary(state))
    await store.close()
    return run


def by_sample(answers: Sequence[Any]) -> Script:
    """A script that gives each sample of a step its own answer, in order."""

    def script(call: AgentCall) -> str:
        place = keys.sample_place(call.key)
        assert place is not None
        answer = answers[place.sample % len(answers)]
        return answer if isinstance(answer, str) else json.dumps(answer)

    return script
