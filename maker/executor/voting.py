"""Counting votes in rounds: which samples the next round needs, and when a vote is decided.

A round launches exactly the samples that could decide, and is counted when it is complete, in
sample order; so the winner does not depend on who was fast. Pure; what a ballot is worth is
decided in `red_flags.py`.

first_to_k is the paper's first-to-be-ahead-by-k (Meyerson et al. 2025, arXiv 2511.09030).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from maker.core.models import AnswerCount, Strategy, VoteResult
from maker.core.policy import ALIKE
from maker.executor.red_flags import Ballot


@dataclass(frozen=True, slots=True)
class Rules:
    """How one step is voted on."""

    strategy: Strategy
    n: int
    k: int
    most_samples: int

    @property
    def quorum(self) -> int:
        """Votes of one kind that settle the matter where nobody disagrees."""
        match self.strategy:
            case "none":
                return 1
            case "majority":
                return self.n // 2 + 1
            case "first_to_k":
                return self.k


@dataclass(frozen=True, slots=True)
class Tally:
    """A vote so far. `launched` samples are needed; the first `counted` of them are counted."""

    launched: int
    counted: int
    result: VoteResult | None
    rounds: tuple[range, ...] = ()


def tally(rules: Rules, ballots: Mapping[int, Ballot]) -> Tally:
    """Count the complete rounds. `result` is None while more samples are needed."""
    rounds: list[range] = []
    counted = 0
    while True:
        result = _count([ballots[i] for i in range(counted)])
        ends = Counter(ballots[i].end for i in range(counted) if ballots[i].end)
        wanted = _wanted(rules, result, counted, ends)
        if isinstance(wanted, str):
            return Tally(counted, counted, _declare(result, wanted, counted), tuple(rounds))
        following = range(counted, counted + wanted)
        if any(i not in ballots for i in following):
            return Tally(following.stop, counted, None, tuple(rounds))
        rounds.append(following)
        counted = following.stop


def _wanted(rules: Rules, result: VoteResult, counted: int, ends: Counter[str]) -> int | str:
    """How many samples the next round launches, or why there is no next round."""
    counts = [len(answer.samples) for answer in result.answers]
    if _is_decided(rules, counts, result.margin):
        return "decided"
    if len(result.cannot) >= rules.quorum:
        return f"{len(result.cannot)} of {counted} samples say that it cannot be done"
    for end, number in ends.most_common(1):
        if number >= ALIKE:
            return f"{number} of {counted} samples ended alike, as others would: {end}"
    if rules.strategy == "none" and counted:
        return "the sample was thrown away"
    lead = counts[0] if rules.strategy == "majority" and counts else result.margin
    needed = rules.quorum - lead
    if rules.strategy == "majority" and needed > rules.n - sum(counts):
        return f"no answer can reach a majority of {rules.n}"
    if counted + needed > rules.most_samples:
        return f"undecided within {rules.most_samples} samples"
    return needed


def _is_decided(rules: Rules, counts: list[int], margin: int) -> bool:
    if not counts:
        return False
    return counts[0] >= rules.quorum if rules.strategy == "majority" else margin >= rules.quorum


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
    first = len(clusters[0].samples) if clusters else 0
    second = len(clusters[1].samples) if len(clusters) > 1 else 0
    return VoteResult(
        answers=clusters,
        flagged=flagged,
        cannot=cannot,
        winner=None,
        margin=first - second,
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
