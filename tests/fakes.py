"""Honest stand-ins for what is outside: time that never waits, agents that follow a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from maker.core import events as e
from maker.core import seams
from maker.core.checking import Check, Checker, Verdict
from maker.core.models import (
    AgentCall,
    AgentReply,
    CallKey,
    Plan,
    PlanStep,
    RunId,
    TaskConfig,
    Usage,
)
from maker.core.seams import Agent, AskUser, Record
from maker.core.state import summary
from maker.engine.orchestrator import Consent, Orchestrator, nobody
from maker.store.lease import this_process
from maker.store.memory import MemoryStore
from maker.tools.registry import ToolRegistry

E = TypeVar("E", bound=e.Event)

RUN = RunId("0199aaaa-0000-7000-8000-000000000001")

PLAN_TEXT = """
reasoning: One step.
plan:
  - step: 0
    task_type: action_step
    title: count
    task_description: Count the words.
    output_variable: step_0_output
    output_schema: "{n: int}"
    next_step_sequence_number: -1
"""
"""What a planner says: one step that counts."""
WRITING_PLAN = """\
reasoning: |
  One step writes the file.
plan:
  - step: 0
    task_type: action_step
    title: write it
    task_description: |
      Write the file notes.txt.
    primary_tools: [Write]
    output_variable: step_0_output
    output_schema: "{path: string}"
    next_step_sequence_number: -1
"""
"""A plan that needs consent."""


class FakeClock:
    """Every reading is a millisecond later; waiting takes no time but is remembered."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.time, self.waits = start, list[float]()

    def now(self) -> float:
        self.time += 0.001
        return self.time

    def uptime(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


Answer = str | AgentReply | Exception
Script = Callable[[AgentCall], "Answer | Awaitable[Answer]"]


class ScriptedAgent:
    """Answers each call as the script says and keeps the keys that it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.calls: list[AgentCall] = []
        self.under_way = self.most_under_way = 0

    @property
    def keys(self) -> list[CallKey]:
        return [call.key for call in self.calls]

    async def ask(self, call: AgentCall, answer: seams.Answer | None = None) -> AgentReply:
        self.calls.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            told = self._script(call)
            if isinstance(told, Awaitable):
                told = await told
            else:
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        if isinstance(told, Exception):
            raise told
        return reply(told) if isinstance(told, str) else told


class FakeChecker:
    """Says of each answer what the script says of its output, and keeps the checks."""

    def __init__(self, script: Callable[[object], str] = lambda output: "") -> None:
        self._script = script
        self.checks: list[Check] = []

    async def __call__(self, check: Check, session: str) -> Verdict:
        self.checks.append(check)
        await asyncio.sleep(0)
        why = self._script(check.output)
        return Verdict(flag="refused" if why else "", problems=(why,) if why else ())


def reply(text: str, cost_usd: float | None = 0.01, duration_ms: int = 500) -> AgentReply:
    """A plausible reply with this text."""
    usage = Usage(input_tokens=100, output_tokens=20)
    return AgentReply(text=text, cost_usd=cost_usd, usage=usage, duration_ms=duration_ms, turns=1)


def step(number: int = 0, **changes: object) -> PlanStep:
    """A step that works: no tools, one comparable field, the end after it."""
    fields: dict[str, object] = {
        "step": number,
        "task_type": "action_step",
        "title": f"work {number}",
        "task_description": "Count the words.",
        "output_variable": f"step_{number}_output",
        "output_schema": "{n: int}",
        "next_step_sequence_number": -1,
    }
    return PlanStep(**{**fields, **changes})  # type: ignore[arg-type]


def config(**changes: object) -> TaskConfig:
    """The configuration of a small task."""
    fields: dict[str, object] = {"instruction": "Count the words.", **changes}
    return TaskConfig(**fields)  # type: ignore[arg-type]


def plan(*steps: PlanStep) -> Plan:
    """A plan of these steps."""
    return Plan(reasoning="For a test.", steps=list(steps) or [step()])


def registry() -> ToolRegistry:
    """Claude's own tools."""
    return ToolRegistry.with_defaults()


def gone_process() -> str:
    """The owner string of a process that had our pid, here, before us."""
    host, pid, start = this_process().split(":")
    boot, _, namespace = start.split("-")
    return f"{host}:{pid}:{boot}-1-{namespace}"


def chained(payloads: Iterable[bytes]) -> list[Record]:
    """The records of a log with these events, each with its hash."""
    records, head = [], e.GENESIS
    for seq, payload in enumerate(payloads, start=1):
        event, head = e.decode(payload, seq=seq), e.chain(head, payload)
        name, timestamp = type(event).__name__, event.timestamp
        records.append(Record(seq=seq, timestamp=timestamp, type=name, payload=payload, hash=head))
    return records


class Play:
    """One session of a run over a memory store, with everything that came of it."""

    def __init__(self, store: MemoryStore, agent: Agent, clock: FakeClock) -> None:
        self.store, self.agent, self.clock = store, agent, clock
        self.events: list[e.Event] = []
        self.orchestrator: Orchestrator | None = None

    async def records(self) -> list[Record]:
        return await self.store.load(RUN)

    async def log(self) -> list[e.Event]:
        return [e.decode(record.payload) for record in await self.records()]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


async def play(
    script: Script | Agent,
    *,
    config: TaskConfig | None = None,
    given: Plan | None = None,
    history: Sequence[Record] = (),
    opening: Sequence[e.Event] = (),
    consent: Consent = nobody,
    ask_user: AskUser | None = None,
    clock: FakeClock | None = None,
    context: str = "",
    secrets: Sequence[str] = (),
    checker: Checker | None = None,
    on_event: Callable[[e.Event], None] = lambda event: None,
) -> Play:
    """Run a session to its end: a fresh run, or the resume of a history."""
    store, clock = MemoryStore(), clock or FakeClock()
    agent = script if hasattr(script, "ask") else ScriptedAgent(script)
    session = Play(store, agent, clock)
    if history:
        state = Orchestrator(
            TaskConfig(instruction="x"), registry(), agent=agent, history=history
        ).state
        await store.append(RUN, history, {}, summary(state))
    config = config or TaskConfig(instruction="Count the words.")
    orchestrator = Orchestrator(
        config,
        registry(),
        store=store,
        agent=agent,
        clock=clock,
        consent=consent,
        ask_user=ask_user,
        run_id=RUN,
        history=history,
        context=context,
        secrets=secrets,
        checker=checker,
    )
    session.orchestrator = orchestrator
    first: list[e.Event] = list(opening) if history else [orchestrator.submission(), *opening]
    if given is not None:
        first.append(e.PlanCreated(plan=given, origin="user"))
    async for event in orchestrator.run(*first):
        session.events.append(event)
        on_event(event)
    return session
