"""Counting votes in rounds: which samples the next round needs, and when a vote is decided.

A round launches exactly the samples that could decide, and is counted when it is complete, in
sample order; so the winner does not depend on who was fast. Pure; what a ballot is worth is
decided in `red_flags.py`.

first_to_k is the paper's first-to-be-ahead-by-k (Meyerson et al. 2025, arXiv 2511.09030).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from maker.core.models import AnswerCount, ChosenBy, VoteResult
from maker.core.policy import ALIKE
from maker.core.strategies import VotingStrategy, margin
from maker.steps.red_flags import Ballot

DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Tally:
    """A vote so far. `launched` samples are needed; the first `counted` of them are counted.

    `standing` is how they stand; its `reason` says why no more are asked for, and is empty while
    the vote is open. `is_undecided`: valid answers disagree, and all samples are used up.
    """

    launched: int
    counted: int
    standing: VoteResult
    is_undecided: bool = False
    rounds: tuple[range, ...] = ()

    @property
    def result(self) -> VoteResult | None:
        """How the vote ended; None while more samples are needed."""
        return self.standing if self.standing.reason else None

    def is_complete(self, samples: Container[int]) -> bool:
        """Whether the samples of the round that is under way are all there."""
        return all(sample in samples for sample in range(self.counted, self.launched))


def tally(
    strategy: VotingStrategy, most_samples: int, ballots: Mapping[int, Ballot], times: int = 1
) -> Tally:
    """Count the complete rounds.

    `most_samples` are allowed; a vote whose answers disagree goes on with them up to `times` over.
    """
    rounds: list[range] = []
    counted, extent = 0, 1
    while True:
        standing = _count([ballots[i] for i in range(counted)])
        counts = [len(answer.samples) for answer in standing.answers]
        rule = strategy.extended(extent)
        needed = rule.needed(counts)
        ended = _ended(rule, standing, [ballots[i].end for i in range(counted)])
        undecided = "" if ended else _undecided(rule, counts, counted, most_samples * extent)
        if undecided and len(counts) > 1 and extent < times:
            extent += 1
        elif ended or undecided:
            over = _declared(standing, ended or undecided)
            is_split = bool(undecided) and len(counts) > 1
            return Tally(counted, counted, over, is_split, tuple(rounds))
        elif any(i not in ballots for i in range(counted, counted + needed)):
            return Tally(counted + needed, counted, standing, rounds=tuple(rounds))
        else:
            rounds.append(range(counted, counted + needed))
            counted += needed


def _undecided(rule: VotingStrategy, counts: Sequence[int], counted: int, most: int) -> str:
    """Why no further sample that is allowed could decide the vote; empty where one could."""
    if hopeless := rule.hopeless(counts, counted):
        return hopeless
    return f"undecided within {most} samples" if counted + rule.needed(counts) > most else ""


def _ended(rule: VotingStrategy, standing: VoteResult, ends: Sequence[str]) -> str:
    """Why the vote is over, with a winner or without; empty where it goes on."""
    counted = len(ends)
    if rule.is_decided([len(answer.samples) for answer in standing.answers]):
        return DECIDED
    if len(standing.cannot) >= rule.quorum:
        return f"{len(standing.cannot)} of {counted} samples say that it cannot be done"
    for end, number in Counter(filter(None, ends)).most_common(1):
        if number >= ALIKE:
            return f"{number} of {counted} samples ended alike, as others would: {end}"
    return ""


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


def chosen(standing: VoteResult, sample: int, by: ChosenBy) -> VoteResult:
    """The vote as it is won by the answer of this sample, whatever its votes."""
    group = next(each.samples for each in standing.answers if sample in each.samples)
    others = (len(each.samples) for each in standing.answers if sample not in each.samples)
    lead = len(group) - max(others, default=0)
    return msgspec.structs.replace(standing, winner=sample, margin=lead, chosen_by=by)


def _declared(standing: VoteResult, reason: str) -> VoteResult:
    if reason != DECIDED:
        return msgspec.structs.replace(standing, reason=reason)
    first = standing.answers[0].samples
    counted = sum(len(answer.samples) for answer in standing.answers) + len(standing.flagged)
    return msgspec.structs.replace(standing, winner=first[0], decided_by=counted - 1, reason=reason)
