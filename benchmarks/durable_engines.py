"""Durable steps a second of the engines that others use, where they are installed.

    uv run --with langgraph --with langgraph-checkpoint-sqlite --with dbos \\
        python benchmarks/store.py

Each carries out the same chain of steps, one after another, in a SQLite file of its own. A step
returns a text of 200 characters, and does nothing else. LangGraph's file is synced with every
commit, as ours is; DBOS opens its file as it chooses.
"""

from __future__ import annotations

import importlib.util
import logging
import operator
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

RESULT = "x" * 200


class Progress(TypedDict):
    """The state of the graph: how many steps are done, and what the last one said."""

    done: Annotated[int, operator.add]
    last: str


def langgraph(folder: Path, steps: int) -> float:
    """Wall-clock seconds of a graph whose one node is run again and again."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    def step(state: Progress) -> dict[str, Any]:
        return {"done": 1, "last": RESULT}

    def following(state: Progress) -> str:
        return END if state["done"] >= steps else "step"

    graph = StateGraph(Progress)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", following)
    connection = sqlite3.connect(folder / "langgraph.db", check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute("PRAGMA synchronous = FULL")
    run = graph.compile(checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": steps + 2}
    begin = time.perf_counter()
    end = run.invoke({"done": 0, "last": ""}, config, durability="sync")
    took_s = time.perf_counter() - begin
    connection.close()
    if end["done"] != steps:
        raise AssertionError(f"{end['done']} steps of {steps}")
    return took_s


def dbos(folder: Path, steps: int) -> float:
    """Wall-clock seconds of a workflow that calls one step again and again."""
    from dbos import DBOS

    logging.disable(logging.WARNING)
    url = f"sqlite:///{folder / 'dbos.db'}"
    DBOS(config={"name": "maker-benchmark", "system_database_url": url, "run_admin_server": False})

    @DBOS.step()
    def step() -> str:
        return RESULT

    @DBOS.workflow()
    def chain() -> int:
        return sum(step() == RESULT for _ in range(steps))

    DBOS.launch()
    try:
        begin = time.perf_counter()
        done = chain()
        took_s = time.perf_counter() - begin
    finally:
        DBOS.destroy()
    if done != steps:
        raise AssertionError(f"{done} steps of {steps}")
    return took_s


ENGINES: dict[str, tuple[str, Callable[[Path, int], float]]] = {
    "LangGraph, a checkpoint a step": ("langgraph.checkpoint.sqlite", langgraph),
    "DBOS, a record a step": ("dbos", dbos),
}


def rates(folder: Path, steps: int) -> Iterator[tuple[str, float]]:
    """Steps a second of each engine that is installed."""
    for name, (module, measure) in ENGINES.items():
        if _is_installed(module):
            yield name, steps / measure(folder, steps)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
