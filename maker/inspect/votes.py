"""How the answers of one step were chosen: every iteration, try and sample, from the log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from maker.core import events as e
from maker.core import keys
from maker.core.models import AnswerCount, CallKey, ChosenBy, Value
from maker.inspect.history import Spending, spending

Outcome = Literal["completed", "failed", "open"]


class Sample(Value, frozen=True, kw_only=True):
    """One reply; `flag` is why it does not vote. `cost_usd` is None where nobody said.

    `verdict` and `notes` say how sure it was read, where the log says so. `checked_ms`: how long
    programs looked at its answer; None where none did, or they had seen the same from another.
    """

    sample: int
    key: CallKey
    flag: str
    detail: str
    cost_usd: float | None
    tokens: int | None
    duration_ms: int
    model: str
    text: str
    verdict: str
    notes: list[str]
    checked_ms: int | None = None


class Try(Value, frozen=True, kw_only=True):
    """One try. `answers` are the clusters, the largest first; none where there was no vote."""

    try_number: int
    outcome: Outcome
    strategy: str
    effect: str
    model: str
    note: str
    answers: list[AnswerCount]
    winner: int | None
    margin: int
    decided_by: int | None
    chosen_by: ChosenBy
    compared: list[str]
    differing: list[str]
    reordered: list[str]
    samples: list[Sample]
    spending: Spending
    error: str

    @property
    def is_unanimous(self) -> bool:
        """Whether all samples were usable and gave one answer."""
        flagged = any(sample.flag for sample in self.samples)
        return self.outcome == "completed" and len(self.answers) <= 1 and not flagged


class Iteration(Value, frozen=True, kw_only=True):
    """One iteration of a step: its tries in order, and its output or error."""

    iteration: int
    outcome: Outcome
    tries: list[Try]
    output: Any
    error: str
    spending: Spending

    @property
    def is_smooth(self) -> bool:
        """Whether the first try came through and nobody disagreed."""
        return len(self.tries) == 1 and self.tries[0].is_unanimous


def iterations(log: Iterable[e.Event]) -> Iterator[Iteration]:
    """The iterations of one step: each once it is completed, then the others, in order.

    `since` says from where on the events of a step are those of the last plan.
    """
    begun: dict[int, list[e.Event]] = {}
    for event in log:
        number = _place(event)[0]
        begun.setdefault(number, []).append(event)
        if isinstance(event, e.StepCompleted):
            yield _iteration(number, begun.pop(number))
    yield from (_iteration(number, events) for number, events in sorted(begun.items()))


def since(plans: Iterable[tuple[int, e.PlanCreated]], step: int) -> int:
    """The number of the plan with which the step began as it is now; later ones have kept it."""
    return max((seq for seq, plan in plans if step not in plan.kept), default=0)


def _place(event: e.Event) -> tuple[int, int]:
    """Iteration and try that an event of a step is about; the try is -1 where it is about all."""
    match event:
        case e.AgentReplied() | e.AgentRetried() | e.AnswerChecked() | e.ChangesApplied():
            place = keys.sample_place(event.key)
            assert place is not None, "only samples belong to a step"
            return place.iteration, place.try_number
        case (
            e.StepStarted()
            | e.SampleRedFlagged()
            | e.AnswerChosen()
            | e.VoteCompleted()
            | e.TryFailed()
            | e.StepCompleted()
        ):
            return event.iteration, event.try_number
        case e.StepFailed():
            return event.iteration, -1
        case _:
            raise AssertionError(f"{type(event).__name__} belongs to no step")


def _iteration(number: int, events: Sequence[e.Event]) -> Iteration:
    tries: dict[int, list[e.Event]] = {}
    for event in events:
        tries.setdefault(_place(event)[1], []).append(event)
    tries.pop(-1, None)
    end = next((ev for ev in reversed(events) if isinstance(ev, e.StepCompleted)), None)
    last = events[-1]
    failed = last if isinstance(last, e.StepFailed) else None
    return Iteration(
        iteration=number,
        outcome="completed" if end else "failed" if failed else "open",
        tries=[_try(try_number, its_events) for try_number, its_events in sorted(tries.items())],
        output=end.output if end else None,
        error=failed.error if failed else "",
        spending=spending(events),
    )


def _try(number: int, events: Sequence[e.Event]) -> Try:
    start = next((ev for ev in events if isinstance(ev, e.StepStarted)), None)
    vote = next((ev for ev in events if isinstance(ev, e.VoteCompleted)), None)
    completed = any(isinstance(event, e.StepCompleted) for event in events)
    error = next((event.error for event in events if isinstance(event, e.TryFailed)), "")
    return Try(
        try_number=number,
        outcome="completed" if completed else "failed" if error else "open",
        strategy=start.strategy if start else "",
        effect=start.effect if start else "",
        model=start.model if start else "",
        note=start.note if start else "",
        answers=vote.answers if vote else [],
        winner=vote.winner if vote else None,
        margin=vote.margin if vote else 0,
        decided_by=vote.decided_by if vote else None,
        chosen_by=vote.chosen_by if vote else "votes",
        compared=vote.compared if vote else [],
        differing=vote.differing if vote else [],
        reordered=vote.reordered if vote else [],
        samples=_samples(events),
        spending=spending(events),
        error=error,
    )


def _samples(events: Sequence[e.Event]) -> list[Sample]:
    flags = {event.sample: event for event in events if isinstance(event, e.SampleRedFlagged)}
    replies = {}
    for event in events:
        if isinstance(event, e.AgentReplied):
            place = keys.sample_place(event.key)
            assert place is not None, "only samples belong to a step"
            replies[place.sample] = event
    verdicts = dict(_verdicts(events, replies))
    checked = {ev.key: ev.duration_ms for ev in events if isinstance(ev, e.AnswerChecked)}
    return [
        _sample(number, replies[number], flags.get(number), verdicts.get(number), checked)
        for number in sorted(replies)
    ]


def _verdicts(
    events: Sequence[e.Event], samples: Iterable[int]
) -> Iterator[tuple[int, tuple[str, list[str]]]]:
    """How the replies of a try were read; of a vote only what was not clean is in the log."""
    for event in events:
        match event:
            case e.SampleRedFlagged():
                yield event.sample, (event.verdict, event.notes)
            case e.VoteCompleted(compared=[_, *_]):
                read = {
                    reading.sample: (reading.verdict, reading.notes) for reading in event.readings
                }
                votes = {sample for answer in event.answers for sample in answer.samples}
                yield from ((sample, read.get(sample, ("clean", []))) for sample in votes)
            case e.StepCompleted() if event.voting_summary.strategy == "none":
                yield from ((sample, (event.verdict, event.notes)) for sample in samples)
            case _:
                pass


def _sample(
    number: int,
    event: e.AgentReplied,
    flag: e.SampleRedFlagged | None,
    read: tuple[str, list[str]] | None,
    checked: Mapping[CallKey, int],
) -> Sample:
    reply, (verdict, notes) = event.reply, read or ("", [])
    return Sample(
        sample=number,
        key=event.key,
        flag=flag.reason if flag else "",
        detail=flag.detail if flag else "",
        cost_usd=reply.cost_usd,
        tokens=reply.usage.total if reply.usage else None,
        duration_ms=reply.duration_ms,
        model=reply.model,
        text=reply.text,
        verdict=verdict,
        notes=notes,
        checked_ms=checked.get(event.key),
    )
