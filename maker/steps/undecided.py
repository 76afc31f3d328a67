"""Votes whose answers disagree to the end: what the user is shown to choose from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maker.core import events as e
from maker.core.models import Value
from maker.core.state import Lane, RunState
from maker.core.text import one_line
from maker.errors import ConfigError
from maker.steps.workings import OpenTry, Workings

MOST_NAMED = 3
"""Answers that a pause names; all of them are shown beside it."""


class AnswerGroup(Value, frozen=True, kw_only=True):
    """Samples that agree: what was compared, and all that the first of them answered."""

    number: int
    votes: int
    sample: int
    answer: str
    output: Any


class UndecidedVote(Value, frozen=True, kw_only=True):
    """A vote that nobody has won; the groups are in order of their votes, numbered from 1."""

    step: int
    title: str
    iteration: int
    try_number: int
    samples: int
    groups: list[AnswerGroup]

    @property
    def lane(self) -> str:
        """How the vote is named where several are undecided, as in `2.0`."""
        return f"{self.step}.{self.iteration}"


def undecided_votes(state: RunState) -> list[UndecidedVote]:
    """The votes that wait for the user's choice, or for more samples."""
    workings = Workings()
    open_lanes = [lane for lane in state.execution.lanes.values() if lane.started]
    tries = [(lane, workings.of(state, lane)) for lane in open_lanes]
    return [_vote(state, lane, current) for lane, current in tries if current.count().is_undecided]


def choices(state: RunState, choose: Mapping[str, int]) -> list[e.AnswerChosen]:
    """The user's choices: the number of a group by the lane of its vote, as in `2.0`.

    The lane may be "" where one vote is undecided. Raises ConfigError for what cannot be chosen.
    """
    votes = {vote.lane: vote for vote in undecided_votes(state)}
    if choose and not votes:
        raise ConfigError(
            "the run has no undecided vote",
            field="choose",
            advice="Resume it without a choice.",
        )
    if "" in choose and len(votes) == 1:
        choose = dict(zip(votes, choose.values(), strict=False)) if len(choose) == 1 else choose
    return [_choice(votes, lane, number) for lane, number in choose.items()]


def _choice(votes: Mapping[str, UndecidedVote], lane: str, number: int) -> e.AnswerChosen:
    if lane not in votes:
        named = ", ".join(f"{name}=N" for name in [*votes][:5])
        problem = f"no vote {lane} is undecided" if lane else f"{len(votes)} votes are undecided"
        raise ConfigError(problem, field="choose", advice=f"Say which answer of which: {named}")
    vote = votes[lane]
    if not 1 <= number <= len(vote.groups):
        raise ConfigError(
            f"the undecided vote of step {vote.step} has no answer {number}",
            field="choose",
            advice=f"Its answers are 1 to {len(vote.groups)}.",
        )
    return e.AnswerChosen(
        step=vote.step,
        iteration=vote.iteration,
        try_number=vote.try_number,
        sample=vote.groups[number - 1].sample,
    )


def words(state: RunState, lane: Lane, current: OpenTry) -> str:
    """What the user is told of an undecided vote in a sentence."""
    vote = _vote(state, lane, current)
    named = [
        f"answer {group.number} has {group.votes}: {one_line(group.answer, 80)}"
        for group in vote.groups[:MOST_NAMED]
    ]
    more = len(vote.groups) - len(named)
    named += [f"and {more} more"] if more else []
    item = f", iteration {lane.iteration}" if lane.iteration else ""
    return (
        f"step {vote.step} ({vote.title}){item}: no answer of {vote.samples} samples is "
        f"{current.strategy.words}; {'; '.join(named)}"
    )


def _vote(state: RunState, lane: Lane, current: OpenTry) -> UndecidedVote:
    count = current.count()
    groups = [
        AnswerGroup(
            number=number,
            votes=len(group.samples),
            sample=group.samples[0],
            answer=group.answer,
            output=current.ballots[group.samples[0]].output,
        )
        for number, group in enumerate(count.standing.answers, start=1)
    ]
    return UndecidedVote(
        step=lane.step,
        title=state.step(lane.step).title,
        iteration=lane.iteration,
        try_number=lane.try_number,
        samples=count.counted,
        groups=groups,
    )
