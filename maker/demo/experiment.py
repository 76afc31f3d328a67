"""The paper's experiment, observed: what the agent answered, what the votes made of it.

Only looks at events and the folded state, so it says the same of a live run and of a log.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from maker.agents import hanoi
from maker.core import events as e
from maker.core.kinds import kind_of
from maker.core.models import Simulation, TaskConfig, Value
from maker.core.state import RunState
from maker.core.strategies import Strategy
from maker.schema.schema import parse_schema
from maker.steps.canonical import compared

MOST_LISTED = 10
"""Wrong moves that are named one by one."""


class ExperimentResult(Value, frozen=True, kw_only=True):
    """What came of the experiment; an error is an unflagged answer other than the strategy's."""

    disks: int
    solved: bool
    status: str
    reason: str
    moves: int
    wrong_moves: int
    first_wrong_moves: list[int]
    samples: int
    samples_per_move: float
    expected_samples_per_move: float | None
    errors: int
    outvoted: int
    won: int
    first_won_at_move: int | None
    undecided_votes: int
    red_flagged: int
    cost_usd: float
    tokens: int
    duration_s: float
    simulated: bool

    @property
    def succeeded(self) -> bool:
        """Whether the tower was moved without a wrong move."""
        return self.status == "completed" and self.solved and not self.wrong_moves


class Experiment:
    """Watches the events of one run, in order, and keeps count."""

    def __init__(self, disks: int) -> None:
        self.disks = disks
        self._last_output: Any = None
        self._counts: Counter[str] = Counter()
        self._wrong: list[int] = []
        self._first_won: int | None = None

    @property
    def moves(self) -> int:
        """Moves made so far."""
        return self._counts["moves"]

    @property
    def outvoted(self) -> int:
        """Wrong answers so far that lost their vote."""
        return self._counts["outvoted"]

    def watch(self, event: e.Event) -> None:
        """Take note of one event."""
        match event:
            case e.VoteCompleted():
                self._count_vote(event)
            case e.StepCompleted():
                self._count_move(event)
            case _:
                pass

    def findings(self, state: RunState) -> ExperimentResult:
        """The account of everything seen, with the totals of the run."""
        counts, totals = self._counts, state.totals
        return ExperimentResult(
            disks=self.disks,
            solved=hanoi.is_solved(self.disks, self._last_output),
            status=state.status,
            reason=f"{state.reason}: {state.detail}" if state.detail else state.reason,
            moves=self.moves,
            wrong_moves=counts["wrong moves"],
            first_wrong_moves=self._wrong,
            samples=totals.samples,
            samples_per_move=totals.samples / max(self.moves, 1),
            expected_samples_per_move=expected_samples(state.settings),
            errors=counts["errors"],
            outvoted=counts["outvoted"],
            won=counts["won"],
            first_won_at_move=self._first_won,
            undecided_votes=counts["undecided votes"],
            red_flagged=totals.red_flagged,
            cost_usd=totals.cost_usd,
            tokens=totals.tokens,
            duration_s=state.updated_at - state.started_at,
            simulated=not kind_of(state.settings.agent).is_paid,
        )

    def _right(self) -> dict[str, Any]:
        return hanoi.right_answer(self.disks, self._last_output)

    def _count_vote(self, vote: e.VoteCompleted) -> None:
        right = compared(self._right(), parse_schema(hanoi.SCHEMA), hanoi.VOTE_ON)
        errors = sum(len(group.samples) for group in vote.answers if group.answer != right)
        self._counts["errors"] += errors
        if vote.winner is None:
            self._counts["undecided votes"] += 1
        elif vote.answers[0].answer == right:
            self._counts["outvoted"] += errors
        else:
            self._count_won(len(vote.answers[0].samples))

    def _count_won(self, votes: int) -> None:
        self._counts["won"] += votes
        self._first_won = self._first_won or self.moves + 1

    def _count_move(self, move: e.StepCompleted) -> None:
        if move.voting_summary.strategy == "none" and move.output != self._right():
            self._counts["errors"] += 1
            self._count_won(1)
        self._counts["moves"] += 1
        if hanoi.is_wrong(self.disks, self._last_output, move.output):
            self._counts["wrong moves"] += 1
            if len(self._wrong) < MOST_LISTED:
                self._wrong.append(self.moves)
        self._last_output = move.output


def expected_samples(config: TaskConfig) -> float | None:
    """Samples that a move should take on average, if wrong answers agree and no vote is cut off.

    None where no reply can be used.
    """
    wrong, usable = config.simulation.error_rate, 1 - config.simulation.flag_rate
    # Of two answers it does not matter which is right: the larger chance keeps clear of overflow.
    votes = config.voting.expected_samples(max(wrong, 1 - wrong))
    return votes / usable if usable else None


def experiment_config(
    disks: int,
    *,
    seed: int,
    error_rate: float,
    flag_rate: float = 0.0,
    delay_ms: int = 0,
    voting: Strategy = "first_to_k",
    voting_k: int = 3,
    voting_n: int = 3,
    max_voting_samples: int = 10,
    samples_at_once: int = 4,
) -> TaskConfig:
    """The configuration of a run that moves the tower with the simulated agent."""
    return TaskConfig(
        instruction=hanoi.instruction(disks),
        voting_strategy=voting,
        agent="simulated",
        simulation=Simulation(
            seed=seed, error_rate=error_rate, flag_rate=flag_rate, delay_ms=delay_ms
        ),
        voting_k=voting_k,
        voting_n=voting_n,
        max_voting_samples=max_voting_samples,
        samples_at_once=samples_at_once,
        max_cost_usd=None,  # nothing is bought
    )
