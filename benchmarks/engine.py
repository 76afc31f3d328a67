"""CPU time of the whole pipeline a step: voting strategies, and `for_each` over long lists.

    uv run python benchmarks/engine.py [--disks 6 10 13] [--items 100 1000 10000]

Every event goes to a SQLite file. Trust the CPU time and the ratios; wall time is the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maker import app
from maker.agents import hanoi
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall, AgentReply, Plan, PlanStep, TaskConfig
from maker.core.seams import Agent, Answer
from maker.core.strategies import Strategy
from maker.demo.experiment import experiment_config
from maker.store.sql import SqlStore

STRATEGIES: tuple[Strategy, ...] = ("none", "majority", "first_to_k")
FAILING = 10
"""Of so many items three fail, where items fail."""


class ListAgent:
    """Gives a list of files, then a word about each; of some items it can say nothing."""

    def __init__(self, files: list[Any], *, failing: bool) -> None:
        self._files, self._failing = files, failing

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        place = keys.sample_place(call.key)
        assert place is not None
        if place.step == 0:
            return self._reply(json.dumps({"files": self._files}))
        if self._failing and place.iteration % FAILING < 3:
            return self._reply("nothing to say")
        return self._reply(json.dumps({"word": f"module {place.iteration} is fine"}))

    @staticmethod
    def _reply(text: str) -> AgentReply:
        return AgentReply(text=text, stop_reason="end_turn", cost_usd=0.0)


def list_plan(path: str, item: str) -> Plan:
    """List files, then look at each; `path` leads to the list."""
    listing = PlanStep(
        step=0,
        task_type="action_step",
        title="list the files",
        task_description="List all files.",
        output_variable="step_0_output",
        output_schema=f"{{files: [{item}]}}",
        next_step_sequence_number=1,
    )
    look = PlanStep(
        step=1,
        task_type="action_step",
        title="look at one file",
        task_description="Say a word about the file in your item.",
        input_variables=["item"],
        output_variable="step_1_output",
        output_schema="{word: string}",
        for_each=path,
        on_item_error="skip",
    )
    return Plan(reasoning="One file at a time.", steps=[listing, look])


async def measured(config: TaskConfig, plan: Plan, agent: Agent | None) -> tuple[float, int, str]:
    """CPU seconds of a run, its completed steps and items, and how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(Path(folder) / "maker.db")
        session = app.submit(config, store=store, plan=plan, agent=agent)
        begin, steps = time.process_time(), 0
        async for event in session.run():
            steps += isinstance(event, e.StepCompleted)
        seconds = time.process_time() - begin
        await store.close()
    return seconds, steps, session.orchestrator.state.status


def votes(disks: list[int]) -> Iterator[str]:
    """One line a strategy and tower."""
    for strategy in STRATEGIES:
        for height in disks:
            config = experiment_config(height, seed=0, error_rate=0.0, voting=strategy)
            seconds, steps, status = asyncio.run(measured(config, hanoi.plan(height), None))
            yield f"{strategy:<12} {steps:>9,} moves  {seconds / steps * 1e6:>7.0f} us  {status}"


def lists(items: list[int]) -> Iterator[str]:
    """One line a kind of list and length."""
    for name, path, failing in (
        ("plain", "step_0_output.files", False),
        ("mapped", "step_0_output.files.p", False),
        ("failing", "step_0_output.files", True),
    ):
        for length in items:
            files: list[Any] = [f"m{n}" for n in range(length)]
            if name == "mapped":
                files = [{"p": file} for file in files]
            agent = ListAgent(files, failing=failing)
            config = TaskConfig(
                instruction="Look at all files.", agent="simulated", step_max_retries=1,
                max_cost_usd=None,
            )  # fmt: skip
            seconds, steps, status = asyncio.run(
                measured(
                    config, list_plan(path, "{p: string}" if name == "mapped" else "string"), agent
                )
            )
            each = seconds / length * 1e6
            yield f"{name:<12} {length:>9,} items  {each:>7.0f} us  {status}, {steps:,} done"


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time of the pipeline a step.")
    parser.add_argument("--disks", type=int, nargs="*", default=[6, 10, 13])
    parser.add_argument("--items", type=int, nargs="*", default=[100, 1_000, 10_000])
    options = parser.parse_args()
    for line in votes(options.disks):
        print(line)
    for line in lists(options.items):
        print(line, flush=True)


if __name__ == "__main__":
    main()
