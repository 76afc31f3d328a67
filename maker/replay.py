"""Run a log again without the network: does every decision come out the same?

Input events are applied where they were recorded; every derived event must equal the next move
of its lane. Nothing is written. The live run and this use the same pure moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, assert_never

import msgspec

from maker.core import events as e
from maker.core.fold import apply
from maker.core.models import AgentCall, CallKey, Value
from maker.core.moves import Ask, Dispatch, Emit, Move, Pause
from maker.core.policy import decide
from maker.core.requests import prompt_text, request_hash
from maker.core.seams import Record
from maker.core.state import RunState
from maker.executor import context, moves
from maker.planner import planner
from maker.store.log import content_hash
from maker.validator import validator


class Divergence(Value, frozen=True, kw_only=True):
    """The first place where the log and its replay differ."""

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


class Replay(Value, frozen=True, kw_only=True):
    """What a replay found."""

    outcome: Literal["identical", "inputs changed", "diverged"]
    events: int
    replies: int
    status: str
    divergence: Divergence | None = None
    changed: list[ChangedInput]


def replay(
    records: Sequence[Record], watch: Callable[[e.Event], None] = lambda event: None
) -> Replay:
    """Replay the records of one run in order, showing each event to `watch`."""
    state = RunState()
    changed: list[ChangedInput] = []
    replies = 0
    for place, record in enumerate(records):
        event = e.decode(record.payload, seq=record.seq)
        divergence = _difference(state, record.seq, event)
        if divergence:
            return _report("diverged", place, replies, state, changed, divergence)
        if isinstance(event, e.AgentReplied):
            replies += 1
            changed += _changed(state, record.seq, event)
        apply(state, event)
        watch(event)
    outcome: Literal["identical", "inputs changed"] = "inputs changed" if changed else "identical"
    return _report(outcome, len(records), replies, state, changed, None)


def _report(
    outcome: Literal["identical", "inputs changed", "diverged"],
    events: int,
    replies: int,
    state: RunState,
    changed: list[ChangedInput],
    divergence: Divergence | None,
) -> Replay:
    return Replay(
        outcome=outcome,
        events=events,
        replies=replies,
        status=state.status,
        divergence=divergence,
        changed=changed,
    )


_NO_DECISIONS = frozenset({"timestamp", "checks_passed", "warnings"})
"""Fields that may differ: when it was, and how many checks and warnings this version knows."""


def next_moves(state: RunState) -> Iterator[Move]:
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
            yield from moves.moves(state)
        case _:
            assert_never(decision)


def call_for(state: RunState, key: CallKey) -> AgentCall:
    """The call that a live run would make under this key."""
    if key.startswith("plan/"):
        return planner.call_for(state, key)
    if key.startswith("check/"):
        return validator.call_for(state, key)
    return context.call_for(state, key)


def _difference(state: RunState, seq: int, event: e.Event) -> Divergence | None:
    name = type(event).__name__
    if isinstance(event, e.AgentReplied):
        open_keys = [k for move in next_moves(state) if isinstance(move, Ask) for k in move.keys]
        if event.key in open_keys:
            return None
        expected = ", ".join(open_keys) or "no call"
        return Divergence(seq=seq, event=name, field="key", recorded=event.key, replayed=expected)
    if e.is_input(event):
        return None
    expected_event = _due(state, e.lane(event))
    if expected_event is None or type(expected_event) is not type(event):
        replayed = type(expected_event).__name__ if expected_event else "no event"
        return Divergence(seq=seq, event=name, field="type", recorded=name, replayed=replayed)
    return _field_difference(seq, event, expected_event)


def _due(state: RunState, lane: e.Lane) -> e.Event | None:
    for move in next_moves(state):
        if isinstance(move, Emit) and e.lane(move.event) == lane:
            return move.event
    return None


def _field_difference(seq: int, recorded: e.Event, replayed: e.Event) -> Divergence | None:
    old, new = msgspec.to_builtins(recorded), msgspec.to_builtins(replayed)
    for field in old:
        if field not in _NO_DECISIONS and old[field] != new.get(field):
            return Divergence(
                seq=seq,
                event=type(recorded).__name__,
                field=field,
                recorded=old[field],
                replayed=new.get(field),
            )
    return None


def _changed(state: RunState, seq: int, event: e.AgentReplied) -> list[ChangedInput]:
    call = call_for(state, event.key)
    if request_hash(call) == event.request:
        return []
    what: Literal["prompt", "settings"] = (
        "settings" if content_hash(prompt_text(call)) == event.prompt else "prompt"
    )
    return [ChangedInput(seq=seq, key=event.key, what=what)]
