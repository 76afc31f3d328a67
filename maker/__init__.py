"""maker: long agent tasks that survive anything; minimal steps, voted answers, every event on disk.

The public names are loaded when first used, so that the command line starts quickly.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    from maker import events
    from maker.app import Seams
    from maker.core.events import Event
    from maker.core.models import Plan, PlanStep, TaskConfig
    from maker.core.seams import EventStore
    from maker.core.state import RunState
    from maker.engine.orchestrator import Orchestrator
    from maker.errors import MakerError
    from maker.inspect.loading import LoadedRun
    from maker.store.memory import MemoryStore
    from maker.store.sql import SqlStore
    from maker.tools.registry import ToolRegistry

__version__ = "0.1.0"
__all__ = [
    "Event",
    "EventStore",
    "LoadedRun",
    "MakerError",
    "MemoryStore",
    "Orchestrator",
    "Plan",
    "PlanStep",
    "RunState",
    "SqlStore",
    "TaskConfig",
    "ToolRegistry",
    "cancel_task",
    "events",
    "follow_run",
    "load_run",
    "pause_task",
    "resume_task",
    "run_task",
]

_HOMES = {
    "Event": "maker.core.events",
    "EventStore": "maker.core.seams",
    "LoadedRun": "maker.inspect.loading",
    "MakerError": "maker.errors",
    "MemoryStore": "maker.store.memory",
    "Orchestrator": "maker.engine.orchestrator",
    "Plan": "maker.core.models",
    "PlanStep": "maker.core.models",
    "RunState": "maker.core.state",
    "SqlStore": "maker.store.sql",
    "TaskConfig": "maker.core.models",
    "ToolRegistry": "maker.tools.registry",
}

if not TYPE_CHECKING:  # a type checker has the imports above, and refuses every other name

    def __getattr__(name: str) -> Any:
        if name == "events":
            return import_module("maker.events")
        if name not in _HOMES:
            raise AttributeError(f"module 'maker' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


async def run_task(
    config: TaskConfig,
    registry: ToolRegistry | None = None,
    *,
    store: EventStore | None = None,
    run_id: str | None = None,
    plan: Plan | None = None,
    context: str = "",
    inputs: Mapping[str, Any] | None = None,
    **seams: Unpack[Seams],
) -> AsyncGenerator[Event, None]:
    """Run a task and yield its events, each once it is on disk. Closing it pauses the run.

    Without a registry the agent has Claude's own tools; without a store the events go to the
    same database that the command line uses. Give a `run_id` (any new UUID) to resume by it; a
    `plan` takes the planner's place. `context` is data that the planner sees, and every step of
    the plan that names it as an input; `inputs` are the values that the plan itself asks for.
    `agent`, `clock`, `consent` (asked for what the plan may do), `ask_user` (an agent's questions)
    and `tell` (what the user should know) replace what maker would take; without `consent` a run
    that needs it pauses. `accept` is a function, or several, that is given each answer that
    matters and says why it does not count, or None.
    """
    from maker import app  # loads nearly all of maker

    async with app.opened(store) as opened:
        session = app.submit(
            config,
            store=opened,
            registry=registry,
            run_id=run_id,
            plan=plan,
            context=context,
            inputs=inputs,
            orchestrator_class=sys.modules[__name__].Orchestrator,
            **seams,
        )
        async with contextlib.aclosing(session.run()) as events:
            async for event in events:
                yield event


async def resume_task(
    run: str,
    *,
    options: Mapping[str, Any] | None = None,
    plan: Plan | None = None,
    replan: bool = False,
    choose: Mapping[str, int] | None = None,
    answer: str = "",
    registry: ToolRegistry | None = None,
    store: EventStore | None = None,
    **seams: Unpack[Seams],
) -> AsyncGenerator[Event, None]:
    """Go on with a run where it stopped and yield the events of this session.

    `run` is its full id; `options` are settings of `TaskConfig` that change from here on; a `plan`
    replaces the one that there is, and with `replan` the planner is asked for another. `choose`
    maps an undecided vote, as in `2.0` for step 2, item 0, to the number of its answer that counts;
    "" is the only one that is undecided. `answer` is what the planner has asked for. The rest is
    as in `run_task`. Yields nothing where the run is completed or cancelled.
    """
    from maker import app  # loads nearly all of maker

    changes = app.Changes(
        options=options or {}, plan=plan, replan=replan, choose=choose or {}, answer=answer
    )
    async with app.opened(store) as opened:
        session = await app.resume(run, changes, store=opened, registry=registry, **seams)
        if session is None:
            return
        async with contextlib.aclosing(session.run()) as events:
            async for event in events:
                yield event


async def cancel_task(run: str, reason: str = "", *, store: EventStore | None = None) -> bool:
    """End a run for good. False: another process works on it, and was asked to end it.

    Raises ConfigError where the run is over already.
    """
    from maker import app  # loads nearly all of maker

    async with app.opened(store) as opened:
        return await app.cancel(run, reason, store=opened)


async def pause_task(run: str, reason: str = "", *, store: EventStore | None = None) -> None:
    """Ask the process that works on a run to let it come to rest; it looks once a second."""
    from maker import app  # loads nearly all of maker

    async with app.opened(store) as opened:
        await app.pause(run, reason, store=opened)


async def load_run(run: str, store: EventStore | None = None) -> LoadedRun:
    """The events of a stored run and the state that follows from them. `run` is its full id."""
    from maker import app
    from maker.inspect.loading import load

    async with app.opened(store) as opened:
        return await load(run, opened)


async def follow_run(run: str, *, url: str | None = None) -> AsyncGenerator[Event, None]:
    """The events of a run that another process works on, from its first, as they are stored.

    `run` is its full id, `url` the database (None: the command line's). Ends when nobody works on
    the run. Raises RunNotFound.
    """
    from maker import app
    from maker.core.events import decode

    async for record in app.following(run, url):
        yield decode(record.payload, seq=record.seq)


def __dir__() -> Sequence[str]:
    return sorted({*globals(), *__all__})
