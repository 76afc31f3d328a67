"""maker: long agent tasks that survive anything; minimal steps, voted answers, every event on disk.

The public names are loaded when first used, so that the command line starts quickly.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maker.core.events import Event
    from maker.core.models import TaskConfig
    from maker.core.seams import EventStore
    from maker.engine.orchestrator import Orchestrator
    from maker.tools.registry import ToolRegistry

__version__ = "0.1.0"
__all__ = [
    "EventStore",
    "MakerError",
    "MemoryStore",
    "Orchestrator",
    "SqlStore",
    "TaskConfig",
    "ToolRegistry",
    "resume_task",
    "run_task",
]

_HOMES = {
    "EventStore": "maker.core.seams",
    "MakerError": "maker.errors",
    "MemoryStore": "maker.store.memory",
    "Orchestrator": "maker.engine.orchestrator",
    "SqlStore": "maker.store.sql",
    "TaskConfig": "maker.core.models",
    "ToolRegistry": "maker.tools.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maker' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


async def run_task(
    config: TaskConfig,
    registry: ToolRegistry | None = None,
    *,
    store: EventStore | None = None,
    run_id: str | None = None,
    context: str = "",
) -> AsyncGenerator[Event, None]:
    """Run a task and yield its events, each once it is on disk. Closing it pauses the run.

    Without a registry the agent has Claude's own tools; without a store the events go to the
    same database that the command line uses. Give a `run_id` (any new UUID) to resume by it.
    `context` is data that the planner sees, and every step of the plan that names it as an input.
    """
    app, preflight = import_module("maker.app"), import_module("maker.engine.preflight")
    orchestrator_class = sys.modules[__name__].Orchestrator
    registry = app.registry_for(config, registry)
    await preflight.require_usable(config, registry.mcp_servers)
    async with app.opened(store) as opened:
        orchestrator = orchestrator_class(
            config=config,
            registry=registry,
            store=opened,
            run_id=app.run_id_from(run_id),
            context=context,
            **app.seams(config, registry),
        )
        async with contextlib.aclosing(orchestrator.run()) as events:
            async for event in events:
                yield event


async def resume_task(
    run: str,
    *,
    options: dict[str, Any] | None = None,
    registry: ToolRegistry | None = None,
    store: EventStore | None = None,
) -> AsyncGenerator[Event, None]:
    """Go on with a run where it stopped and yield the events of this session.

    `run` is its full id; `options` are settings of `TaskConfig` that change from here on.
    Yields nothing where the run is completed or cancelled.
    """
    app = import_module("maker.app")
    async with app.opened(store) as opened:
        session = await app.resumed(run, options or {}, store=opened, registry=registry)
        if session is None:
            return
        async with contextlib.aclosing(session.run()) as events:
            async for event in events:
                yield event


def __dir__() -> Sequence[str]:
    return sorted({*globals(), *__all__})
