"""The facts of a run, one frozen class each, in the past tense; the only truth about it.

Input events came from outside and cannot be computed again; all others follow from what is
before them. How events change a run's state is in `state.py`.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, Literal, TypeAlias, assert_never

import msgspec
from msgspec import Struct

from maker.core.keys import LaneKey, sample_place
from maker.core.models import (
    AgentReply,
    AnswerCount,
    CallKey,
    Census,
    ChosenBy,
    Digest,
    Effect,
    Plan,
    Problem,
    Reading,
    TaskConfig,
    ToolSpec,
    Totals,
    VotingSummary,
)
from maker.core.strategies import Strategy
from maker.core.upcast import UPCASTERS, upcast
from maker.errors import ConfigError, LogDamaged


class Fact(Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """What all events share: when they were appended (seconds since the epoch)."""

    is_input: ClassVar[bool] = False
    timestamp: float = 0.0


class Input(Fact, frozen=True, kw_only=True):
    """A fact that came from outside: it is recorded, never recomputed."""

    is_input: ClassVar[bool] = True


class TaskSubmitted(Input, frozen=True, kw_only=True):
    """The run exists. Carries all that a resume on another day needs; `rules`: see version.py.

    `context` is the data that the user gave with the instruction, `inputs` what a plan asked for.
    """

    instruction: str
    config: TaskConfig
    tools: list[ToolSpec] = []
    workspace: str = ""
    context: str = ""
    prompt_version: str = ""
    rules: int = 1
    inputs: dict[str, Any] = {}


class PlanCreated(Fact, frozen=True, kw_only=True):
    """A plan was read from the planner's reply, or given by the user (`origin`).

    The steps in `kept` were finished under the plan before, and keep their outcome.
    """

    plan: Plan
    attempt: int = 0
    origin: Literal["planner", "user"] = "planner"
    notes: list[str] = []
    kept: list[int] = []


class PlannerDeclined(Fact, frozen=True, kw_only=True):
    """The planner gives no plan: why, or what it must know first, is a question to the user."""

    question: str
    attempt: int = 0


class ValidationPassed(Fact, frozen=True, kw_only=True):
    """Every check holds; warnings are worth reading but stop nothing."""

    checks_passed: int
    warnings: list[Problem] = []


class ValidationFailed(Fact, frozen=True, kw_only=True):
    """The plan cannot be run; every error is listed at once.

    `end` names a failure of the planner that the same request must give again.
    """

    errors: list[Any]
    attempt: int = 0
    end: str = ""


class PlanApproved(Input, frozen=True, kw_only=True):
    """The user agreed that this plan may have these effects."""

    grants: list[str]


class ForEachStarted(Fact, frozen=True, kw_only=True):
    """A `for_each` step found its list; each item becomes a lane of its own."""

    step: int
    title: str
    items: int


class StepStarted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A try of a step begins: the record of intent, on disk before anything has an effect."""

    step: int
    title: str
    iteration: int = 0
    try_number: int = 0
    effect: Effect = "pure"
    strategy: Strategy = "none"
    model: str = ""
    note: str = ""


class AgentReplied(Input, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's terminal reply to one call; `request` and `prompt` are content hashes (hex)."""

    key: CallKey
    request: Digest
    prompt: Digest
    reply: AgentReply


class AgentRetried(Input, frozen=True, kw_only=True, omit_defaults=True):
    """A call met a fault that is no reply (rate limit, network); its key stays open."""

    key: CallKey
    attempt: int
    kind: str
    message: str
    wait_s: float
    cost_usd: float = 0.0
    tokens: int = 0


class SampleRedFlagged(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A sample was thrown away and does not vote.

    `end` names a failure that the same request must give again.
    """

    step: int
    iteration: int
    try_number: int
    sample: int
    reason: str
    detail: str
    end: str = ""
    verdict: str = ""
    notes: list[str] = []


class AnswerChecked(Input, frozen=True, kw_only=True, omit_defaults=True):
    """Programs have looked at an answer that the sample under `key` gave, perhaps not it alone.

    `answer` is the hash of its canonical JSON. Without a `flag` it holds; `problems` say what does
    not: evidence that was made up, or the last lines of a command that refused it.
    """

    key: CallKey
    answer: Digest
    flag: str = ""
    problems: list[str] = []
    duration_ms: int = 0


class ChangesApplied(Input, frozen=True, kw_only=True, omit_defaults=True):
    """What the sample under `key` changed on its branch is in `folder` now.

    `digest` is that of the changes in its reply; `carried` are ignored files, which came along and
    cannot be taken back.
    """

    key: CallKey
    digest: str
    folder: str
    paths: list[str] = []
    carried: list[str] = []


class VoteCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The samples of a try were counted; `winner` is None where none could be declared.

    `readings` are how sure the votes were read that are not plainly what was asked for. `compared`
    are the paths of the answer that were; within the winner's votes the fields in
    `differing`, which were not, differ, and the lists in `reordered` are in different orders.
    """

    step: int
    iteration: int
    try_number: int
    strategy: Strategy
    answers: list[AnswerCount]
    winner: int | None
    margin: int
    decided_by: int | None
    samples: int
    red_flagged: int
    chosen_by: ChosenBy = "votes"
    compared: list[str] = []
    differing: list[str] = []
    reordered: list[str] = []
    readings: list[Reading] = []


class AnswerChosen(Input, frozen=True, kw_only=True):
    """The user chose the answer of a sample in a vote that was undecided."""

    step: int
    iteration: int
    try_number: int
    sample: int


class TryFailed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A try of a step gave no usable answer; another may follow, unless it is `final`.

    `end` is "cannot" where its samples say that the step cannot be done.
    """

    step: int
    iteration: int
    try_number: int
    error: str
    duration_ms: int = 0
    final: bool = False
    end: str = ""


class StepCompleted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A step (or one iteration of it) has its output."""

    step: int
    title: str
    output: Any
    voting_summary: VotingSummary
    cost_usd: float
    duration_ms: int
    iteration: int = 0
    try_number: int = 0
    tokens: int = 0
    verdict: str = ""
    notes: list[str] = []


class StepFailed(Fact, frozen=True, kw_only=True):
    """A step (or one iteration of it) has used up its tries, or cannot be done (`end`)."""

    step: int
    title: str
    error: str
    iteration: int = 0
    cost_usd: float = 0.0
    duration_ms: int = 0
    end: str = ""


class PlanAbandoned(Fact, frozen=True, kw_only=True):
    """A step of the planner's plan cannot be done: the planner is asked for what remains."""

    step: int
    reason: str


class TaskCompleted(Fact, frozen=True, kw_only=True):
    """The run reached its end; `result` lists each step once, `census` says what is missing."""

    result: dict[str, Any]
    total_cost_usd: float
    total_duration_ms: int
    totals: Totals = Totals()
    census: Census | None = None


class TaskFailed(Fact, frozen=True, kw_only=True):
    """The run could not reach its end; `result` holds what was finished."""

    error: str
    step: int | None = None
    result: dict[str, Any] = {}
    total_cost_usd: float = 0.0
    total_duration_ms: int = 0
    totals: Totals = Totals()


class RunPaused(Input, frozen=True, kw_only=True):
    """The run stopped in a state from which it can be resumed."""

    reason: str
    detail: str = ""


class RunResumed(Input, frozen=True, kw_only=True):
    """The run goes on; `options` are the settings that changed.

    Under newer `rules` than before, each open try is judged anew as a whole; its samples stay.
    """

    options: dict[str, Any] = {}
    replan: bool = False
    rules: int = 1


class RunCancelled(Input, frozen=True, kw_only=True):
    """The user ended the run for good."""

    detail: str = ""


class ModelFellBack(Input, frozen=True, kw_only=True):
    """The API does not know a default model any more; the run goes on with its successor."""

    model: str
    successor: str
    detail: str = ""


class QuestionAnswered(Input, frozen=True, kw_only=True):
    """The user answered an agent's question; found again by call key and question."""

    key: CallKey
    question: str
    answer: str


Event: TypeAlias = (
    TaskSubmitted | PlanCreated | PlannerDeclined | ValidationPassed | ValidationFailed
    | PlanApproved | ForEachStarted | StepStarted | AgentReplied | AgentRetried | AnswerChecked
    | ChangesApplied | SampleRedFlagged | VoteCompleted | AnswerChosen | TryFailed | StepCompleted
    | StepFailed
    | PlanAbandoned | TaskCompleted | TaskFailed | RunPaused | RunResumed | RunCancelled
    | ModelFellBack | QuestionAnswered
)  # fmt: skip

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def whole(value: Any) -> Any:
    """The value as plain JSON values, with the fields, too, that are stored only if they differ.

    Frequent events leave their defaults out where they are stored; programs are shown all of it.
    """
    match value:
        case Struct():
            tag = value.__struct_config__.tag
            fields = {name: whole(getattr(value, name)) for name in value.__struct_fields__}
            return {"type": tag, **fields} if tag is not None else fields
        case dict():
            return {key: whole(item) for key, item in value.items()}
        case list() | tuple():
            return [whole(item) for item in value]
        case _:
            return msgspec.to_builtins(value)


def encode(event: Event) -> bytes:
    """The event as one line of JSON; keys of outputs stay in the order that they came in."""
    return _encoder.encode(event)


def decode(payload: bytes | str, *, seq: int = 0) -> Event:
    """The event that `encode` wrote, now or in an older version. Raises LogDamaged for all else."""
    try:
        return _decoded(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ConfigError) as error:
        raise LogDamaged(
            f"event {seq} cannot be read: {error}",
            seq=seq,
            advice="A newer maker may have written it. Otherwise run: maker verify RUN",
        ) from error


def _decoded(payload: bytes | str) -> Event:
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        document = msgspec.json.decode(payload)
        if not isinstance(document, dict) or document.get("type") not in UPCASTERS:
            raise
        event: Event = msgspec.convert(upcast(document), Event)
        return event


def is_input(event: Event) -> bool:
    """Whether the event came from outside; a plan that the user gave did, too."""
    return event.is_input or (isinstance(event, PlanCreated) and event.origin == "user")


GENESIS = bytes(32)
"""The hash before the first event of every log."""


def chain(previous: bytes, payload: bytes) -> bytes:
    """The hash of an event: SHA-256 over the hash before it and its payload (no run id)."""
    return hashlib.sha256(previous + payload).digest()


def lane(event: Event) -> LaneKey:
    """The lane of an event: that of its step and iteration, or the plan's."""
    match event:
        case (
            StepStarted()
            | SampleRedFlagged()
            | VoteCompleted()
            | AnswerChosen()
            | TryFailed()
            | StepCompleted()
            | StepFailed()
        ):
            return event.step, event.iteration
        case AgentReplied() | AgentRetried() | AnswerChecked() | ChangesApplied():
            place = sample_place(event.key)
            return place.lane if place else None
        case (
            TaskSubmitted()
            | PlanCreated()
            | PlannerDeclined()
            | ValidationPassed()
            | ValidationFailed()
            | PlanApproved()
            | ForEachStarted()
            | PlanAbandoned()
            | TaskCompleted()
            | TaskFailed()
            | RunPaused()
            | RunResumed()
            | RunCancelled()
            | ModelFellBack()
            | QuestionAnswered()
        ):
            return None
        case _:
            assert_never(event)
