"""Counting votes in rounds: which samples the next round needs, and when a vote is decided.

A round launches exactly the samples that could decide, and is counted when it is complete, in
sample order; so the winner does not depend on who was fast. Pure; what a ballot is worth is
decided in `red_flags.py`.

first_to_k is the paper's first-to-be-ahead-by-k (Meyerson et al. 2025, arXiv 2511.09030).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass

from maker.core.models import AnswerCount, VoteResult
from maker.core.policy import ALIKE
from maker.core.strategies import VotingStrategy, margin
from maker.steps.red_flags import Ballot


@dataclass(frozen=True, slots=True)
class Tally:
    """A vote so far. `launched` samples are needed; the first `counted` of them are counted."""

    launched: int
    counted: int
    result: VoteResult | None
    rounds: tuple[range, ...] = ()

    def is_complete(self, samples: Container[int]) -> bool:
        """Whether the samples of the round that is under way are all there."""
        return all(sample in samples for sample in range(self.counted, self.launched))


def tally(strategy: VotingStrategy, most_samples: int, ballots: Mapping[int, Ballot]) -> Tally:
    """Count the complete rounds. `result` is None while more samples are needed."""
    rounds: list[range] = []
    counted = 0
    while True:
        result = _count([ballots[i] for i in range(counted)])
        ends = Counter(ballots[i].end for i in range(counted) if ballots[i].end)
        wanted = _wanted(strategy, most_samples, result, counted, ends)
        if isinstance(wanted, str):
            return Tally(counted, counted, _declare(result, wanted, counted), tuple(rounds))
        following = range(counted, counted + wanted)
        if any(i not in ballots for i in following):
            return Tally(following.stop, counted, None, tuple(rounds))
        rounds.append(following)
        counted = following.stop


def _wanted(
    strategy: VotingStrategy,
    most_samples: int,
    result: VoteResult,
    counted: int,
    ends: Counter[str],
) -> int | str:
    """How many samples the next round launches, or why there is no next round."""
    counts = [len(answer.samples) for answer in result.answers]
    if strategy.is_decided(counts):
        return "decided"
    if len(result.cannot) >= strategy.quorum:
        return f"{len(result.cannot)} of {counted} samples say that it cannot be done"
    for end, number in ends.most_common(1):
        if number >= ALIKE:
            return f"{number} of {counted} samples ended alike, as others would: {end}"
    if hopeless := strategy.hopeless(counts, counted):
        return hopeless
    needed = strategy.needed(counts)
    if counted + needed > most_samples:
        return f"undecided within {most_samples} samples"
    return needed


def _count(ballots: list[Ballot]) -> VoteResult:
    answers: dict[str, list[int]] = {}
    flagged, cannot = [], []
    for sample, ballot in enumerate(ballots):
        if ballot.flag:
            flagged.append(sample)
            if ballot.flag == "cannot":
                cannot.append(sample)
        else:
            answers.setdefault(ballot.answer, []).append(sample)
    ranked = sorted(answers.items(), key=lambda item: (-len(item[1]), item[1][0]))
    clusters = [AnswerCount(answer=answer, samples=samples) for answer, samples in ranked]
    return VoteResult(
        answers=clusters,
        flagged=flagged,
        cannot=cannot,
        winner=None,
        margin=margin([len(cluster.samples) for cluster in clusters]),
        decided_by=None,
    )


def _declare(result: VoteResult, reason: str, counted: int) -> VoteResult:
    winner = result.answers[0].samples[0] if reason == "decided" else None
    return VoteResult(
        answers=result.answers,
        flagged=result.flagged,
        cannot=result.cannot,
        winner=winner,
        margin=result.margin,
        decided_by=counted - 1 if winner is not None else None,
        reason=reason,
    )
