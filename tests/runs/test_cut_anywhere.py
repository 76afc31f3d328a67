"""The property that lets everything else be changed: a run may be cut after any event."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import FakeChecker, FakeClock, play, step
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core.comparison import bought_twice, differences
from maker.core.models import (
    AgentCall,
    AgentReply,
    Plan,
    PlanStep,
    Repeat,
    Simulation,
    TaskConfig,
)
from maker.core.seams import Answer, Record
from maker.inspect.replay import replay


class CountingAgent:
    """The simulated agent, and what it was asked."""

    def __init__(self, simulation: Simulation) -> None:
        self._agent = SimulatedAgent(simulation, FakeClock())
        self.keys: list[str] = []

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        self.keys.append(call.key)
        return await self._agent.ask(call)


def _plain(number: int) -> PlanStep:
    return step(
        number,
        output_schema="{z: string, n: int, ok: bool, b: {y: int, x: [string], many: count of x}}",
        vote_on=["n", "ok"],
        accept=["make test"],
    )


def _listing(number: int) -> PlanStep:
    return step(number, output_schema="{files: [string]}")


def _branch(number: int) -> PlanStep:
    return step(
        number,
        task_type="conditional_step",
        output_schema="{next_step: int, reason: string}",
        next_step_sequence_number=-2,
        input_variables=[f"step_{number - 1}_output"],
    )


def _repeated(number: int) -> PlanStep:
    return step(
        number, output_schema="{n: int, done: bool}", repeat=Repeat(until="done", max_iterations=4)
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One to five steps of every kind, each leading to the next."""
    kinds = draw(
        st.lists(st.sampled_from(["plain", "list", "branch", "repeat"]), min_size=1, max_size=4)
    )
    steps: list[PlanStep] = []
    for kind in kinds:
        number = len(steps)
        if kind == "list":
            steps += [
                _listing(number),
                step(
                    number + 1,
                    for_each=f"step_{number}_output.files",
                    on_item_error=draw(st.sampled_from(["fail", "skip"])),
                ),
            ]
        elif kind == "branch" and steps:
            steps.append(_branch(number))
        else:
            steps.append(_repeated(number) if kind == "repeat" else _plain(number))
    last = len(steps) - 1
    return Plan(reasoning="Drawn.", steps=[_linked(s, last) for s in steps])


def _linked(made: PlanStep, last: int) -> PlanStep:
    import msgspec

    if made.next_step_sequence_number == -2:
        return made
    following = made.step + 1 if made.step < last else -1
    return msgspec.structs.replace(made, next_step_sequence_number=following)


configs = st.builds(
    TaskConfig,
    instruction=st.just("Count the words."),
    allow=st.just(["bash"]),
    voting_strategy=st.sampled_from(["none", "majority", "first_to_k"]),
    voting_k=st.integers(1, 3),
    voting_n=st.sampled_from([1, 3, 5]),
    max_voting_samples=st.integers(1, 8),
    step_max_retries=st.integers(0, 2),
    enable_quality_checks=st.booleans(),
    samples_at_once=st.integers(1, 4),
    undecided=st.sampled_from(["pause", "plurality"]),
)
simulations = st.builds(
    Simulation,
    seed=st.integers(0, 999),
    error_rate=st.sampled_from([0.0, 0.2, 0.5]),
    flag_rate=st.sampled_from([0.0, 0.2, 0.6]),
)


def odd_ones_out() -> FakeChecker:
    """Refuses some answers, always the same."""
    return FakeChecker(lambda output: "" if json.dumps(output).count("3") % 3 else "it is odd")


async def _resumed_after(
    history: list[Record], config: TaskConfig, simulation: Simulation
) -> list[e.Event]:
    agent = CountingAgent(simulation)
    again = await play(
        agent,
        config=config,
        history=history,
        opening=[e.RunResumed()],
        checker=odd_ones_out(),
    )
    log = await again.log()
    had = {event.key for event in _decoded(history) if isinstance(event, e.AgentReplied)}
    assert not had & set(agent.keys), "a reply that the log had was bought again"
    assert bought_twice(log) == []
    assert replay(await again.records()).outcome == "identical"
    return log


def _decoded(records: list[Record]) -> list[e.Event]:
    return [e.decode(record.payload) for record in records]


@settings(suppress_health_check=list(HealthCheck))
@given(plan=st.none() | plans(), config=configs, simulation=simulations)
async def test_a_run_cut_after_any_event_resumes_to_the_same_end(
    plan: Plan | None, config: TaskConfig, simulation: Simulation
) -> None:
    whole = await play(CountingAgent(simulation), config=config, given=plan, checker=odd_ones_out())
    records = await whole.records()
    expected = _decoded(records)
    match expected[-1]:
        case e.RunPaused(reason=reason):
            assert reason == "undecided"
        case end:
            assert isinstance(end, e.TaskCompleted | e.TaskFailed)
    assert replay(records).outcome == "identical"
    first = 2 if plan else 1
    for length in range(first, len(records)):
        log = await _resumed_after(records[:length], config, simulation)
        assert differences(expected, log) == [], f"cut after event {length}"
