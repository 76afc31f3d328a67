"""Runs that meet everything at once: faults, caps, cancels, crashes, new settings, new plans.

Each session of a story ends somehow; whatever happened, the log replays identically, no reply is
lost or bought twice, the money adds up, and a last session without trouble comes to an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fakes import RUN, FakeChecker, FakeClock, registry, reply, step
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core import keys
from maker.core.comparison import bought_twice
from maker.core.fold import apply, fold
from maker.core.models import AgentCall, AgentReply, Plan, PlanStep, Repeat, Simulation, TaskConfig
from maker.core.moves import Ask
from maker.core.policy import missing_grants
from maker.core.seams import Answer, Record
from maker.core.snapshot import decode_state, encode_state
from maker.core.state import RunState, summary
from maker.engine.orchestrator import Orchestrator
from maker.errors import AgentNotReady, AgentUnavailable, ConfigError, ModelNotFound
from maker.inspect.replay import replay
from maker.steps.context import call_for
from maker.steps.moves import moves
from maker.steps.workings import Workings
from maker.store.memory import MemoryStore

SESSIONS = 6
UNTROUBLED = {
    "allow": ["write", "bash"], "accept": [], "max_samples": None, "max_cost_usd": None,
    "on_ambiguous": "retry", "undecided": "plurality",
}  # fmt: skip


def any_plan(chance: random.Random) -> Plan:
    steps: list[PlanStep] = []
    for kind in chance.choices(["plain", "list", "branch", "repeat", "write"], k=3):
        number = len(steps)
        match kind:
            case "list":
                policy, tools = chance.choice(["fail", "skip"]), chance.choice([[], ["Write"]])
                listed = f"step_{number}_output.files"
                steps += [
                    step(number, output_schema="{files: [string]}"),
                    step(number + 1, for_each=listed, on_item_error=policy, primary_tools=tools),
                ]
            case "branch" if number:
                schema = "{next_step: int, reason: string}"
                before = {"input_variables": [f"step_{number - 1}_output"]}
                decides = {"output_schema": schema, "next_step_sequence_number": -2}
                steps.append(step(number, task_type="conditional_step", **decides, **before))
            case "repeat":
                passes = Repeat(until="done", max_iterations=chance.randint(1, 3))
                steps.append(step(number, output_schema="{n: int, done: bool}", repeat=passes))
            case "write":
                steps.append(step(number, primary_tools=["Write"]))
            case _:
                accept = chance.choice([[], ["make test"]])
                steps.append(step(number, output_schema="{n: int, ok: bool}", accept=accept))
    return Plan(reasoning="Drawn.", steps=[_linked(made, len(steps)) for made in steps])


def _linked(made: PlanStep, steps: int) -> PlanStep:
    if made.next_step_sequence_number == -2:
        return made
    following = made.step + 1 if made.step + 1 < steps else -1
    return msgspec.structs.replace(made, next_step_sequence_number=following)


class Troubled:
    """The simulated agent on a bad day; `hangs` tells that it will not answer any more."""

    def __init__(self, chance: random.Random, trouble: float) -> None:
        simulation = Simulation(seed=chance.randint(0, 99), error_rate=0.2, flag_rate=0.2)
        self._agent = SimulatedAgent(simulation, FakeClock())
        self._chance, self._trouble = chance, trouble
        self.asked, self.answered = set[str](), set[str]()
        self.hangs = asyncio.Event()

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        self.asked.add(call.key)
        for _ in range(self._chance.randint(0, 3)):
            await asyncio.sleep(0)
        given = await (
            self._go_wrong(call) if self._chance.random() < self._trouble else self._agent.ask(call)
        )
        self.answered.add(call.key)
        return given

    async def _go_wrong(self, call: AgentCall) -> AgentReply:
        match self._chance.randrange(7):
            case 0:
                wait_s = self._chance.choice([None, 5.0, 5000.0])
                raise AgentUnavailable("rate_limit", "slow", retry_after_s=wait_s, cost_usd=0.001)
            case 1:
                raise AgentNotReady("login", "logged out")
            case 2:
                raise ModelNotFound(call.model, "no such model")
            case 3:
                raise ConfigError("the working folder is gone", field="cwd")
            case 4:
                self.hangs.set()
                await asyncio.Event().wait()
            case 5:
                return reply('{"cannot": "so"}')
        return reply("junk [", cost_usd=None)


async def session(
    history: Sequence[Record],
    config: TaskConfig,
    agent: Troubled,
    opening: Sequence[e.Event],
    chance: random.Random,
    most_events: int,
) -> list[Record]:
    """Carry out one session until it ends, is left, or hangs and is cancelled."""

    async def consent(state: RunState) -> Sequence[e.Event]:
        match chance.randrange(3):
            case 0:
                return [e.PlanApproved(grants=missing_grants(state))]
            case 1:
                return [e.PlanCreated(plan=any_plan(chance), origin="user")]
        return ()

    store = MemoryStore()
    run = Orchestrator(
        config, registry(), store=store, agent=agent, clock=FakeClock(), consent=consent,
        run_id=RUN, history=history,
        checker=FakeChecker(lambda output: "not so" if chance.random() < 0.2 else ""),
    )  # fmt: skip
    if history:
        await store.append(RUN, history, {}, summary(run.state))

    async def consume() -> None:
        seen = 0
        async with contextlib.aclosing(run.run(*opening)) as events:
            async for _ in events:
                seen += 1
                assert seen < 2000, "the session does not end"
                if seen == most_events:
                    return

    consumer, hung = asyncio.ensure_future(consume()), asyncio.ensure_future(agent.hangs.wait())
    await asyncio.wait({consumer, hung}, return_when=asyncio.FIRST_COMPLETED)
    hung.cancel()
    if not consumer.done():
        consumer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await consumer
    return await store.load(RUN)


def examined(records: Sequence[Record], agent: Troubled, had: set[str]) -> RunState:
    log = [e.decode(record.payload) for record in records]
    found = replay(records)
    assert found.outcome == "identical", found.divergence
    replies = {event.key for event in log if isinstance(event, e.AgentReplied)}
    assert bought_twice(log) == []
    assert not agent.asked & had, "a reply that the log had was asked for again"
    assert agent.answered <= replies, "a reply was lost"
    state = fold(log)
    assert state == folded_with_workings(log)
    paid = sum(event.reply.cost_usd or 0.0 for event in log if isinstance(event, e.AgentReplied))
    paid += sum(event.cost_usd for event in log if isinstance(event, e.AgentRetried))
    assert abs(state.totals.cost_usd - paid) < 1e-6
    return state


def folded_with_workings(log: Sequence[e.Event]) -> RunState:
    """The fold, where at each event what is kept equals what is worked out anew."""
    state, kept = RunState(), Workings()
    for number, event in enumerate(log):
        apply(state, event)
        if number % 7 == 0:
            kept_state = encode_state(state)
            assert kept_state is not None
            assert decode_state(kept_state) == state
        found = list(moves(state))
        assert list(moves(state, kept)) == found
        for key in [key for move in found if isinstance(move, Ask) for key in move.keys]:
            assert kept.call_for(state, key) == call_for(state, key)
    return state


def resumption(chance: random.Random) -> list[e.Event]:
    possible = {
        "samples_at_once": chance.randint(1, 4),
        "voting_strategy": chance.choice(["none", "majority", "first_to_k"]),
        "voting_k": chance.randint(1, 3),
        "model": chance.choice(["a", "b"]),
        "on_ambiguous": chance.choice(["ask", "retry", "fail"]),
        "max_samples": chance.choice([None, 20]),
        "allow": ["write", "bash"],
        "accept": chance.choice([[], ["make lint"]]),
    }
    options = {name: value for name, value in possible.items() if chance.random() < 0.3}
    opening: list[e.Event] = [e.RunResumed(options=options, replan=chance.random() < 0.15)]
    if chance.random() < 0.15:
        opening.append(e.PlanCreated(plan=any_plan(chance), origin="user"))
    return opening


def said(state: RunState) -> list[e.Event]:
    """The user's answer, where the planner has asked."""
    key, question = keys.plan_key(state.planning.attempt), state.planning.question
    return [e.QuestionAnswered(key=key, question=question, answer="Yes.")] if question else []


def replied_keys(records: Sequence[Record]) -> set[str]:
    log = (e.decode(record.payload) for record in records)
    return {event.key for event in log if isinstance(event, e.AgentReplied)}


@settings(suppress_health_check=list(HealthCheck))
@example(2138347)  # consent in the middle of a try
@given(seed=st.integers(0, 10**9))
async def test_whatever_happens_to_a_run_its_log_holds_and_it_can_be_brought_to_an_end(
    seed: int,
) -> None:
    chance = random.Random(seed)
    config = TaskConfig(
        instruction="Count the words.",
        voting_strategy=chance.choice(["none", "majority", "first_to_k"]),
        step_max_retries=chance.randint(0, 2),
        enable_quality_checks=chance.random() < 0.3,
        max_samples=chance.choice([None, 5]),
        max_cost_usd=chance.choice([None, 0.01]),
        on_ambiguous=chance.choice(["ask", "retry", "fail"]),
        agent=chance.choice(["claude", "simulated"]),  # the one gets tasks, the other is driven
    )
    records: list[Record] = []
    for number in range(SESSIONS):
        is_last = number == SESSIONS - 1
        agent = Troubled(chance, 0.0 if is_last else chance.choice([0.1, 0.3]))
        if not records:
            submitted = Orchestrator(config, registry()).submission()
            opening: list[e.Event] = [
                submitted,
                e.PlanCreated(plan=any_plan(chance), origin="user"),
            ]
        else:
            state = fold([e.decode(record.payload) for record in records])
            opening = (
                [e.RunResumed(options=UNTROUBLED), *said(state)] if is_last else resumption(chance)
            )
        had = replied_keys(records)
        most_events = 2000 if is_last else chance.choice([5, 20, 2000])
        records = await session(records, config, agent, opening, chance, most_events)
        state = examined(records, agent, had)
        if state.status == "completed":
            return
        if chance.random() < 0.3 and not is_last:
            records = records[: chance.randint(2, len(records))]  # a crash
    assert state.status == "failed", (state.status, state.reason, state.detail)
