"""Run a log again without the network: does every decision come out the same?

Input events are applied where they were recorded; every derived event must equal the next move
of its lane. Nothing is written. The live run and this use the same pure moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, assert_never

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.checking import Check
from maker.core.fold import apply
from maker.core.models import AgentCall, CallKey, Value
from maker.core.moves import Ask, Dispatch, Do, Emit, Move, Pause
from maker.core.policy import decide
from maker.core.requests import kept_prompt, request_hash
from maker.core.seams import Record
from maker.core.state import RunState
from maker.core.upcast import is_compared
from maker.core.version import RULES
from maker.engine import planner, validator
from maker.steps import moves
from maker.steps.workings import Workings


class Divergence(Value, frozen=True, kw_only=True):
    """A place where the log and its replay differ."""

    seq: int
    event: str
    field: str
    recorded: Any
    replayed: Any


class ChangedInput(Value, frozen=True, kw_only=True):
    """A call that would be put differently today."""

    seq: int
    key: CallKey
    what: Literal["prompt", "settings"]


Outcome = Literal["identical", "inputs changed", "rules changed", "diverged"]


class Replay(Value, frozen=True, kw_only=True):
    """What a replay found; `decided_differently`: where an older maker's rules led elsewhere."""

    outcome: Outcome
    events: int
    replies: int
    status: str
    divergence: Divergence | None = None
    changed: list[ChangedInput]
    decided_differently: list[Divergence]


def replay(
    records: Iterable[Record], watch: Callable[[e.Event], None] = lambda event: None
) -> Replay:
    """Replay the records of one run in order, showing each event to `watch`.

    Where a part that was made under older rules differs, the replay notes it and takes its lane
    up again at the next `StepStarted`; under today's rules a difference ends it.
    """
    state, workings, events, replies = RunState(), Workings(), 0, 0
    divergence: Divergence | None = None
    changed: list[ChangedInput] = []
    decided: list[Divergence] = []
    left_alone: set[keys.LaneKey] = set()
    for record in records:
        event = e.decode(record.payload, seq=record.seq)
        lane = e.lane(event)
        if isinstance(event, e.StepStarted):
            left_alone.discard(lane)
        if lane not in left_alone:
            divergence = _difference(state, record, event, workings)
        if divergence and state.rules == RULES:
            break
        if divergence:
            decided.append(divergence)
            left_alone |= {lane} - {None}
            divergence = None
        elif isinstance(event, e.AgentReplied) and lane not in left_alone:
            changed += _changed(state, record.seq, event, workings)
        replies += isinstance(event, e.AgentReplied)
        events += 1
        apply(state, event)
        watch(event)
    return Replay(
        outcome=_outcome(divergence, decided, changed),
        events=events,
        replies=replies,
        status=state.status,
        divergence=divergence,
        changed=changed,
        decided_differently=decided,
    )


def _outcome(
    divergence: Divergence | None, decided: list[Divergence], changed: list[ChangedInput]
) -> Outcome:
    if divergence:
        return "diverged"
    if decided:
        return "rules changed"
    return "inputs changed" if changed else "identical"


def next_moves(state: RunState, workings: Workings | None = None) -> Iterator[Move]:
    """Every move that a live run could make in this state."""
    decision = decide(state)
    match decision:
        case None:
            return
        case Emit() | Pause():
            yield decision
        case Dispatch("planner"):
            yield from planner.moves(state)
        case Dispatch("validator"):
            yield from validator.moves(state)
        case Dispatch():
            yield from moves.moves(state, workings)
        case _:
            assert_never(decision)


def call_for(state: RunState, key: CallKey, workings: Workings | None = None) -> AgentCall:
    """The call that a live run would make under this key."""
    match keys.place_of(key):
        case keys.PlanPlace():
            return planner.call_for(state, key)
        case keys.CheckPlace():
            return validator.call_for(state, key)
        case keys.SamplePlace():
            return (workings or Workings()).call_for(state, key)


def _difference(
    state: RunState, record: Record, event: e.Event, workings: Workings
) -> Divergence | None:
    name, seq = type(event).__name__, record.seq
    if isinstance(event, e.AgentReplied):
        open_keys = [
            k for move in next_moves(state, workings) if isinstance(move, Ask) for k in move.keys
        ]
        if event.key in open_keys:
            return None
        expected = ", ".join(open_keys) or "no call"
        return Divergence(seq=seq, event=name, field="key", recorded=event.key, replayed=expected)
    if isinstance(event, e.AnswerChecked | e.ChangesApplied):
        about = event.answer if isinstance(event, e.AnswerChecked) else event.digest
        due_outside = [
            (move.key, move.value.answer if isinstance(move.value, Check) else move.value.digest)
            for move in next_moves(state, workings)
            if isinstance(move, Do)
        ]
        if (event.key, about) in due_outside:
            return None
        expected = ", ".join(f"{key} {digest}" for key, digest in due_outside) or "nothing to do"
        recorded = f"{event.key} {about}"
        return Divergence(seq=seq, event=name, field="key", recorded=recorded, replayed=expected)
    if e.is_input(event):
        return None
    lane = e.lane(event)
    emits = (move.event for move in next_moves(state, workings) if isinstance(move, Emit))
    due = next((emit for emit in emits if e.lane(emit) == lane), None)
    if due is None or type(due) is not type(event):
        replayed = type(due).__name__ if due else "no event"
        return Divergence(seq=seq, event=name, field="type", recorded=name, replayed=replayed)
    if msgspec.structs.replace(due, timestamp=event.timestamp) == event:
        return None
    return _field_difference(record, event, due, state.rules)


_NO_DECISIONS = frozenset(
    {"timestamp", "checks_passed", "warnings", "error", "detail", "note", "notes"}
)
"""Fields that may differ: when it was, how many checks this version knows, and words."""


def _field_difference(
    record: Record, event: e.Event, due: e.Event, rules: int
) -> Divergence | None:
    """The first field that was decided then, and would be another one now."""
    name, stored = type(event).__name__, msgspec.json.decode(record.payload)
    for field in due.__struct_fields__:
        if field in _NO_DECISIONS or not is_compared(
            name, field, recorded=field in stored, rules=rules
        ):
            continue
        was = stored.get(field, e.whole(getattr(event, field)))
        now = getattr(due, field)
        if not _agrees(was, now, is_result=field == "result"):
            replayed = e.whole(now)
            return Divergence(
                seq=record.seq, event=name, field=field, recorded=was, replayed=replayed
            )
    return None


def _agrees(recorded: Any, now: Any, *, is_result: bool = False) -> bool:
    """Whether a recorded value is today's, but for words and for fields that it did not have."""
    if isinstance(now, msgspec.Struct) and isinstance(recorded, dict):
        names = [n for n in now.__struct_fields__ if n in recorded and n not in _NO_DECISIONS]
        return all(_agrees(recorded[n], getattr(now, n)) for n in names)
    if isinstance(now, list) and isinstance(recorded, list):
        same = len(now) == len(recorded)
        return same and all(_agrees(was, is_now) for was, is_now in zip(recorded, now, strict=True))
    plain = e.whole(now)
    if is_result:
        recorded, plain = _without_words(recorded), _without_words(plain)
    return bool(recorded == plain)


def _without_words(result: dict[str, Any]) -> dict[str, Any]:
    steps = [{**line, "error": ""} for line in result.get("steps", [])]
    return {**result, "steps": steps}


def _changed(
    state: RunState, seq: int, event: e.AgentReplied, workings: Workings
) -> list[ChangedInput]:
    call = call_for(state, event.key, workings)
    if request_hash(call, state.rules) == event.request:
        return []
    what: Literal["prompt", "settings"] = (
        "settings" if kept_prompt(call)[0] == event.prompt else "prompt"
    )
    return [ChangedInput(seq=seq, key=event.key, what=what)]
