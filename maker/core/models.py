"""The frozen values that the rest of maker passes around. No behaviour, no I/O, no clock."""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal, NewType, get_args

import msgspec
from msgspec import Struct, field

from maker.core.grants import ADVICE as GRANT_ADVICE
from maker.core.grants import is_grant
from maker.core.strategies import Strategy, VotingStrategy, named
from maker.errors import ConfigError

RunId = NewType("RunId", str)
CallKey = NewType("CallKey", str)
Digest = NewType("Digest", str)
"""SHA-256 of a content, in hex."""

Effect = Literal["pure", "read", "web", "write", "external"]
Ambiguity = Literal["retry", "ask", "fail"]

PIPELINE_END = -1
"""`next_step_sequence_number` of a step after which the run is complete."""
OWN_OUTPUT_DECIDES = -2
"""`next_step_sequence_number` of a conditional step."""
CONDITIONAL_SCHEMA = "{next_step: int, reason: string}"
"""What every conditional step answers, whatever its plan says."""


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The common settings of every stored value: frozen, keyword-only, strict on decoding."""


class Simulation(Value, frozen=True, kw_only=True):
    """How the simulated agent behaves; the same values always give the same replies."""

    seed: int = 0
    error_rate: float = 0.0
    flag_rate: float = 0.0
    delay_ms: int = 0

    def __post_init__(self) -> None:
        for name in ("error_rate", "flag_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, not 0 to 1", field=name)
        if self.delay_ms < 0:
            raise ConfigError(
                f"delay_ms is {self.delay_ms}, but must be at least 0", field="delay_ms"
            )


class ToolSpec(Value, frozen=True, kw_only=True):
    """One tool that a plan may name, as it was when the run was submitted."""

    name: str
    description: str
    effect: Effect


COST_CAP_USD = 5.0
"""Nobody should spend more than this unasked."""


DEFAULT_MODEL = "claude-sonnet-4-5"
"""Means "the current Sonnet": resolved to a pinned model when a run is submitted."""


class TaskConfig(Value, frozen=True, kw_only=True):
    """Everything that the user may choose about a run. Rejects values that make no sense.

    The default model is the current Sonnet, whatever its name, unless `named_models` has the
    field: then the user means just the model of that name.
    """

    instruction: str
    model: str = DEFAULT_MODEL
    planner_model: str | None = None
    named_models: list[Literal["model", "planner_model"]] = []
    models: list[str] = []
    effort: str | None = None
    thinking: str | None = None
    voting_strategy: Strategy = "none"
    voting_n: int = 3
    voting_k: int = 2
    max_voting_samples: int = 10
    step_max_retries: int = 2
    max_planner_retries: int = 2
    enable_quality_checks: bool = False
    mcp_servers: dict[str, Any] = {}
    allowed_builtin_tools: list[str] | None = None
    cwd: str = ""
    add_dirs: list[str] = []
    allow: list[str] = []
    dry_run: bool = False
    allow_missing: bool = False
    questions: bool = False
    on_ambiguous: Ambiguity = "ask"
    call_timeout_s: float = 600.0
    max_turns: int = 50
    samples_at_once: int = 4
    patience_s: float = 600.0
    max_cost_usd: float | None = COST_CAP_USD
    max_tokens: int | None = None
    max_samples: int | None = None
    max_minutes: float | None = None
    agent: Literal["claude", "simulated"] = "claude"
    simulation: Simulation = Simulation()

    def __post_init__(self) -> None:
        _check_config(self)

    @property
    def voting(self) -> VotingStrategy:
        """How answers are chosen where a step can be voted on."""
        return named(self.voting_strategy, self.voting_n, self.voting_k)


_AT_LEAST = {
    "voting_n": 1,
    "voting_k": 1,
    "max_voting_samples": 1,
    "step_max_retries": 0,
    "max_planner_retries": 0,
    "max_turns": 1,
    "samples_at_once": 1,
    "max_tokens": 0,
    "max_samples": 0,
    "max_cost_usd": 0,
    "max_minutes": 0,
    "patience_s": 0,
}
_FINITE = ("call_timeout_s", "patience_s", "max_cost_usd", "max_minutes")
"""A log holds neither NaN nor infinity."""
MOST_INSTRUCTION_CHARACTERS = 100_000
"""About 25,000 tokens; every planning attempt pays for them again."""
MOST_TASK_CHARACTERS = 100_000
"""Of all texts of a step together; every sample of it pays for them again."""
MOST_CONTEXT_CHARACTERS = 400_000
"""About 100,000 tokens; the planner and every step that names the context pay for them."""
CONTEXT = "context"
"""The input variable that holds the data which came with the instruction."""
EFFORTS = ("low", "medium", "high", "xhigh", "max")


def _check_config(config: TaskConfig) -> None:
    if not isinstance(config.instruction, str) or not config.instruction.strip():
        raise ConfigError(
            "the instruction is empty",
            field="instruction",
            advice='Say what is to be done, as in: maker run "Summarise README.md"',
        )
    if len(config.instruction) > MOST_INSTRUCTION_CHARACTERS:
        raise ConfigError(
            f"the instruction has {len(config.instruction):,} characters, more than the limit of "
            f"{MOST_INSTRUCTION_CHARACTERS:,}",
            field="instruction",
            advice="Say what is to be done, and name the file that holds the rest.",
        )
    if config.voting_strategy not in get_args(Strategy):
        raise ConfigError(
            f"unknown voting strategy {config.voting_strategy!r}",
            field="voting_strategy",
            advice=f"Use one of: {', '.join(get_args(Strategy))}.",
        )
    _check_types(config)
    _check_numbers(config)
    for grant in config.allow:
        if not is_grant(grant):
            raise ConfigError(
                f"cannot allow {grant!r}",
                field="allow",
                advice=GRANT_ADVICE,
            )


def _check_numbers(config: TaskConfig) -> None:
    for name, least in _AT_LEAST.items():
        value = getattr(config, name)
        if value is not None and value < least:
            raise ConfigError(f"{name} is {value}, but must be at least {least}", field=name)
    for name in _FINITE:
        value = getattr(config, name)
        if value is not None and not isfinite(value):
            raise ConfigError(f"{name} is {value}, but must be finite", field=name)
    if config.call_timeout_s <= 0:
        raise ConfigError(
            f"call_timeout_s is {config.call_timeout_s}, but must be more than 0",
            field="call_timeout_s",
        )


def _check_types(config: TaskConfig) -> None:
    """Values from a log or a file have their types already, those from Python may have any."""
    for setting in msgspec.structs.fields(TaskConfig):
        try:
            msgspec.convert(getattr(config, setting.name), setting.type)
        except msgspec.ValidationError as error:
            message = f"{setting.name} cannot be used: {error}"
            raise ConfigError(message, field=setting.name) from error


class Repeat(Value, frozen=True, kw_only=True):
    """Run a step again, its last output in its context, until `until` is true in its output."""

    until: str
    max_iterations: int


class PlanStep(Value, frozen=True, kw_only=True):
    """One piece of work that a stranger could check; `docs/plan.md` explains the fields."""

    step: int
    task_type: str
    title: str
    task_description: str
    primary_tools: list[str] = []
    fallback_tools: list[str] = []
    primary_tool_instructions: str = ""
    fallback_tool_instructions: str = ""
    input_variables: list[str] = []
    output_variable: str = ""
    output_schema: str = ""
    next_step_sequence_number: int = PIPELINE_END
    vote_on: list[str] = []
    targets: list[int] | None = None
    for_each: str | None = None
    on_item_error: Literal["fail", "skip"] = "fail"
    repeat: Repeat | None = None
    model: str | None = None
    effect: Effect | None = None


class Plan(Value, frozen=True, kw_only=True):
    """The planner's answer: how the work was divided, and the steps."""

    reasoning: str
    steps: list[PlanStep]


class Problem(Value, frozen=True, kw_only=True):
    """One thing wrong with a plan: which check found it, in which step, and how to mend it."""

    check: str
    message: str
    step: int | None = None
    fix: str = ""
    quote: str = ""


class Usage(Value, frozen=True, kw_only=True):
    """Tokens of one reply, as the API counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0

    @property
    def total(self) -> int:
        """All tokens, cached or not."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_tokens
            + self.cache_creation_tokens
        )


class AgentCall(Value, frozen=True, kw_only=True):
    """One question to one fresh agent. Plain data: it can travel to another machine."""

    key: CallKey
    role: Literal["plan", "check", "step"]
    system_prompt: str
    prompt: str
    model: str
    prompt_version: str
    effort: str | None = None
    thinking: str | None = None
    tools: list[str] = []
    mcp_servers: dict[str, Any] = {}
    effect: Effect = "pure"
    grants: list[str] = []
    output_schema: str = ""
    targets: list[int] | None = None
    literal_paths: list[str] = []
    cwd: str = ""
    add_dirs: list[str] = []
    timeout_s: float = 600.0
    max_turns: int = 50
    budget_usd: float | None = None
    may_ask: bool = False


class AgentError(Value, frozen=True, kw_only=True):
    """Why a reply is no answer: a kind for programs, a message for people."""

    kind: str
    message: str


class AgentReply(Value, frozen=True, kw_only=True):
    """What came back from one agent call: an answer, or an error that flags the sample.

    `cost_usd` and `usage` are None where the agent did not say; unknown is not zero. `estimated`:
    no result came, so the cost is that of the messages that were heard, at list price.
    `left_running` are commands that the agent started and did not wait for; they were ended.
    `denied` are tools that the agent tried in vain, at `denied_paths`; reading is no matter of
    trust, so that what it was not let read is in `denied_reads` alone.
    """

    text: str
    cost_usd: float | None = None
    usage: Usage | None = None
    duration_ms: int = 0
    turns: int = 0
    model: str = ""
    stop_reason: str = ""
    error: AgentError | None = None
    denied: tuple[str, ...] = ()
    simulated: bool = False
    estimated: bool = False
    left_running: tuple[str, ...] = ()
    denied_paths: tuple[str, ...] = ()
    denied_reads: tuple[str, ...] = ()


class AnswerCount(Value, frozen=True, kw_only=True):
    """One cluster of a vote: a canonical answer and the samples that gave it."""

    answer: str
    samples: list[int]


class VoteResult(Value, frozen=True, kw_only=True):
    """The state of a vote after some complete rounds; `winner` is the sample that is kept."""

    answers: list[AnswerCount]
    flagged: list[int]
    cannot: list[int]
    winner: int | None
    margin: int
    decided_by: int | None
    reason: str = ""


class VotingSummary(Value, frozen=True, kw_only=True):
    """How a step's output was chosen; `note` says why a step was not voted on."""

    strategy: str
    total_samples: int
    red_flagged: int
    winning_votes: int
    margin: int = 0
    note: str = ""


class Totals(Value, frozen=True, kw_only=True):
    """What a run has used so far. `unpriced` counts the replies whose cost is not known."""

    cost_usd: float = 0.0
    tokens: int = 0
    samples: int = 0
    red_flagged: int = 0
    retries: int = 0
    duration_ms: int = 0
    unpriced: int = 0


class MissingItem(Value, frozen=True, kw_only=True):
    """One item of a `for_each` step that failed and was passed over; `iteration` begins with 0."""

    step: int
    iteration: int
    label: str
    error: str


class Census(Value, frozen=True, kw_only=True):
    """What a completed run did and did not do; a step of a branch not taken is not missing.

    `repaired` counts the outputs that could be read only by guessing.
    """

    steps_done: int
    steps_not_taken: int
    items_done: int
    items_missing: int
    repaired: int = 0
    missing: list[MissingItem] = []

    @property
    def words(self) -> str:
        """What is missing, as in `1 of 12 items missing: item 3, src/c.py: no such file`."""
        if not self.missing:
            return ""
        places = {entry.step for entry in self.missing}
        listed = [
            f"{f'step {entry.step} ' if len(places) > 1 else ''}item {entry.iteration + 1}, "
            f"{entry.label}: {entry.error}"
            for entry in self.missing[:3]
        ]
        more = self.items_missing - len(listed)
        listed += [f"and {more:,} more"] if more > 0 else []
        items = self.items_done + self.items_missing
        return f"{self.items_missing:,} of {items:,} items missing: {'; '.join(listed)}"


RunStatus = Literal["running", "paused", "completed", "failed", "cancelled"]


class RunSummary(Value, frozen=True, kw_only=True):
    """One row about a run, kept beside its log in the same transaction so that lists are quick."""

    instruction: str
    status: RunStatus
    reason: str = ""
    model: str = ""
    agent: str = "claude"
    started_at: float = 0.0
    updated_at: float = 0.0
    steps_done: int = 0
    steps_total: int = 0
    totals: Totals = field(default_factory=Totals)
