"""What follows from the tries that are open, worked out once each: a cache that never shows.

Whatever is dropped comes out the same when it is worked out again. A try's part ends with the
next try of its lane and with every change of the settings, as by a `RunResumed`.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.checking import Check
from maker.core.effects import has_effects
from maker.core.models import AgentCall, AgentReply, CallKey, Reading, VoteResult
from maker.core.moves import Do
from maker.core.policy import may_try_again
from maker.core.state import Lane, RunState
from maker.core.strategies import Strategy, named
from maker.schema.fields import is_list_or_long_text, type_at
from maker.schema.schema import Fields, parse_schema
from maker.steps import context
from maker.steps.canonical import differing, reordered
from maker.steps.checks import Checks
from maker.steps.red_flags import Ballot, Contract, judge
from maker.steps.voting import Tally, tally

MOST_TRIES = 256
"""So many tries are remembered; more are open only where more samples than that run at once."""


class OpenTry:
    """One try of a lane: what its replies are worth, how they count, and what is asked."""

    def __init__(self, state: RunState, lane: Lane) -> None:
        config = lane.config
        self._lane, self._replies, self._settings = lane, lane.replies, state.config
        self._approved = state.execution.approved
        self.strategy = named(lane.strategy, config.voting_n, config.voting_k)
        self._checks = Checks(state, lane)
        self.contract = _contract(state, lane, self._checks)
        self.ballots: dict[int, Ballot] = {}
        self._judgements: dict[tuple[str, str], Ballot] = {}
        self._unchecked: dict[int, Check] = {}
        self._count: Tally | None = None
        self._call: AgentCall | None = None

    def is_of(self, state: RunState, lane: Lane) -> bool:
        """Whether this is still the try that the lane has open, under the same settings."""
        return (
            self._lane is lane
            and self._replies is lane.replies
            and self._settings is state.config
            and self._approved is state.execution.approved
        )

    def count(self) -> Tally:
        """The vote so far. A round is judged and counted once, when it is complete."""
        count, replies = self._count, self._replies
        if count is None and not replies:
            config = self._lane.config
            rule = self.strategy.name, config.voting_n, config.voting_k
            return _first_round(*rule, config.max_voting_samples)
        if count is None or (count.result is None and count.is_complete(replies)):
            if not self._take_in(replies) and count is not None:
                return count
            lane, config = self._lane, self._lane.config
            times = 1 + max(0, config.step_max_retries - (lane.try_number - lane.first_try))
            most = config.max_voting_samples
            count = self._count = tally(self.strategy, most, self.ballots, times)
        return count

    def due(self) -> Do | None:
        """The next answer of a complete round that is to be checked before the round is counted."""
        count, lane = self.count(), self._lane
        if count.result is not None or not count.is_complete(self._replies):
            return None
        sample = min(self._unchecked)
        key = keys.sample_key(lane.step, lane.iteration, lane.try_number, sample)
        return Do(key, self._unchecked[sample])

    def readings(self) -> list[Reading]:
        """How the counted votes were read, but for those that are plainly what was asked for."""
        counted = ((sample, self.ballots[sample]) for sample in range(self.count().counted))
        return [
            Reading(sample=sample, verdict=ballot.verdict, notes=list(ballot.notes))
            for sample, ballot in counted
            if not ballot.flag and ballot.verdict != "clean"
        ]

    def differences(self, result: VoteResult) -> tuple[list[str], list[str]]:
        """Fields that differ within the winner's votes, and lists that are in different orders."""
        votes = next((each.samples for each in result.answers if result.winner in each.samples), [])
        outputs = {id(self.ballots[s]): self.ballots[s].output for s in votes}
        if len(outputs) < 2:  # replies that are equal share a ballot
            return [], []
        schema = parse_schema(self.contract.schema) if self.contract.schema.strip() else None
        given = [*outputs.values()], schema, self.contract.vote_on
        return differing(*given), reordered(*given)

    def _take_in(self, replies: dict[int, AgentReply]) -> bool:
        """Judge the replies that are new, and take in verdicts on answers; whether any counts now.

        What is to be checked of an answer is worked out once, and kept until its verdict is there.
        """
        before = len(self.ballots)
        for sample, reply in replies.items():
            if sample in self.ballots:
                continue
            ballot, check = self._judged(reply), self._unchecked.get(sample)
            if check is None and self._checks.are_needed and not ballot.flag:
                check = self._checks.of(ballot.output)
            if check is None:
                self.ballots[sample] = ballot
            elif (verdict := self._lane.checks.get(check.answer)) is None:
                self._unchecked[sample] = check
            else:
                self._unchecked.pop(sample, None)
                self.ballots[sample] = _with_verdict(ballot, verdict)
        return len(self.ballots) > before

    def _judged(self, reply: AgentReply) -> Ballot:
        if reply.error or reply.denied or reply.denied_reads or reply.urls or reply.changes:
            return judge(reply, self.contract)
        said = reply.text, reply.stop_reason
        if said not in self._judgements:
            self._judgements[said] = judge(reply, self.contract)
        return self._judgements[said]

    def call(self, state: RunState, key: CallKey) -> AgentCall:
        """The call of one sample; all samples of a try are asked the same."""
        if self._call is None:
            self._call = context.call_for(state, key)
        return msgspec.structs.replace(self._call, key=key)


def _with_verdict(ballot: Ballot, verdict: e.AnswerChecked) -> Ballot:
    if not verdict.flag:
        return ballot
    detail = "; ".join(verdict.problems)
    return msgspec.structs.replace(ballot, flag=verdict.flag, detail=detail)


class Workings:
    """The open tries of one run."""

    def __init__(self) -> None:
        self._tries: dict[tuple[int, int], OpenTry] = {}

    def of(self, state: RunState, lane: Lane) -> OpenTry:
        """What follows from the lane's open try in this state."""
        place = lane.step, lane.iteration
        known = self._tries.get(place)
        if known is None or not known.is_of(state, lane):
            self._tries.pop(place, None)
            if len(self._tries) >= MOST_TRIES:
                del self._tries[next(iter(self._tries))]
            known = self._tries[place] = OpenTry(state, lane)
        return known

    def call_for(self, state: RunState, key: CallKey) -> AgentCall:
        """The call that this key stands for in this state."""
        place = keys.sample_place(key)
        assert place is not None, f"{key} is not the key of a sample"
        return self.of(state, state.execution.lanes[place.lane]).call(state, key)


def _contract(state: RunState, lane: Lane, checks: Checks) -> Contract:
    step, voted = state.step(lane.step), lane.strategy != "none"
    schema = context.schema_of(step)
    assert state.plan is not None
    targets = context.targets_of(step, len(state.plan.steps))
    return Contract(
        schema=schema,
        vote_on=context.compared_paths(step) if voted else (),
        targets=None if targets is None else tuple(targets),
        voted=voted,
        folder=lane.config.cwd,
        may_guess=not voted and (has_effects(lane.effect) or not may_try_again(state, lane)),
        long_answer=voted and _is_long(schema, context.compared_paths(step)),
        evidence=checks.without_files,
        urls=checks.urls,
    )


@lru_cache(maxsize=64)
def _first_round(name: Strategy, n: int, k: int, most_samples: int) -> Tally:
    return tally(named(name, n, k), most_samples, {})


@lru_cache(maxsize=256)
def _is_long(schema: str, paths: tuple[str, ...]) -> bool:
    """Whether what is compared may be long: a list, anything, or a text named like a document."""
    kinds = (type_at(parse_schema(schema), path) for path in paths) if schema else ()
    fields = tuple((path, kind) for path, kind in zip(paths, kinds, strict=False) if kind)
    return is_list_or_long_text(Fields(fields))
