"""The frozen values that the rest of maker passes around. No behaviour, no I/O, no clock.

What a user may choose is in `config.py`; its two values are handed out here as well.
"""

from __future__ import annotations

from typing import Any, Literal, NewType

from msgspec import Struct, field

from maker.core.config import Simulation as Simulation
from maker.core.config import TaskConfig as TaskConfig

RunId = NewType("RunId", str)
CallKey = NewType("CallKey", str)
Digest = NewType("Digest", str)
"""SHA-256 of a content, in hex."""

Effect = Literal["pure", "read", "web", "write", "external"]

PIPELINE_END = -1
"""`next_step_sequence_number` of a step after which the run is complete."""
OWN_OUTPUT_DECIDES = -2
"""`next_step_sequence_number` of a conditional step."""
CONDITIONAL_SCHEMA = "{next_step: int, reason: string}"
"""What every conditional step answers, whatever its plan says."""


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The common settings of every stored value: frozen, keyword-only, strict on decoding."""


class ToolSpec(Value, frozen=True, kw_only=True):
    """One tool that a plan may name, as it was when the run was submitted."""

    name: str
    description: str
    effect: Effect


MOST_TASK_CHARACTERS = 100_000
"""Of all texts of a step together; every sample of it pays for them again."""
MOST_CONTEXT_CHARACTERS = 400_000
"""About 100,000 tokens; the planner and every step that names the context pay for them."""
INPUTS = "inputs"
"""What begins the variables that hold the values which were given to the plan."""
CONTEXT = "context"
"""The input variable that holds the data which came with the instruction."""


class Repeat(Value, frozen=True, kw_only=True):
    """Run a step again, its last output in its context, until `until` is true in its output.

    After the last pass the plan goes on with `until` false where `on_exhausted` is "continue", as
    plans that are read have it if they say nothing.
    """

    until: str
    max_iterations: int
    on_exhausted: Literal["fail", "continue"] = "fail"


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
    targets: list[int] | dict[str, int] | None = None
    for_each: str | None = None
    on_item_error: Literal["fail", "skip"] = "fail"
    repeat: Repeat | None = None
    model: str | None = None
    effect: Effect | None = None
    accept: list[str] = []
    is_voted: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        """The free texts of the plan that the agents of the step read."""
        return (
            self.title,
            self.task_description,
            self.primary_tool_instructions,
            self.fallback_tool_instructions,
        )


class Plan(Value, frozen=True, kw_only=True):
    """The planner's answer: how the work was divided, and the steps.

    `inputs` maps what a plan of the user's must be given to its type in the schema language.
    """

    reasoning: str
    steps: list[PlanStep]
    inputs: dict[str, str] = {}


class Problem(Value, frozen=True, kw_only=True):
    """One thing wrong with a plan: which check found it, in which step, and how to mend it."""

    check: str
    message: str
    step: int | None = None
    fix: str = ""
    quote: str = ""


class Usage(Value, frozen=True, kw_only=True, omit_defaults=True):
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
    """One question to one fresh agent. Plain data: it can travel to another machine.

    `session` says whose the agent's processes are: the run, and the owner of its lease.
    """

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
    session: str = ""


class AgentError(Value, frozen=True, kw_only=True):
    """Why a reply is no answer: a kind for programs, a message for people."""

    kind: str
    message: str


class FileChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one path. Ids are the SHA-256 of the raw content (of a link: its target).

    `kind` is `link` where a link is there afterwards, `mode` where nothing but the mode differs.
    Modes are the nine permission bits; lines are those of texts. An `ignored` file is carried
    over, and never taken back.
    """

    path: str
    kind: Literal["added", "changed", "removed", "link", "mode"]
    before: str | None = None
    after: str | None = None
    mode_before: int | None = None
    mode_after: int | None = None
    size: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    ignored: bool = False
    was_link: bool = False


class FileChanges(Value, frozen=True, kw_only=True, omit_defaults=True):
    """All that an agent made different on its branch of the tree `base`, by path.

    `digest` is that of the normalised patch: the same where only blanks at the ends of lines and
    of files differ. `withheld` are paths in the repository's own folder, in one within it, or in
    maker's home: they are never applied, and a reason to distrust the branch.
    """

    base: str
    digest: str
    entries: tuple[FileChange, ...] = ()
    withheld: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the changes but the ignored ones."""
        return tuple(entry.path for entry in self.entries if not entry.ignored)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The paths of ignored files, which come along."""
        return tuple(entry.path for entry in self.entries if entry.ignored)

    @property
    def contents(self) -> frozenset[str]:
        """The ids of all contents that must be kept for them."""
        ids = {entry.after for entry in self.entries}
        ids |= {entry.before for entry in self.entries if not entry.ignored}
        return frozenset(content for content in ids if content)


class AgentReply(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What came back from one agent call: an answer, or an error that flags the sample.

    `cost_usd` and `usage` are None where the agent did not say; unknown is not zero. `estimated`:
    no result came, so the cost is that of the messages that were heard, at list price.
    `left_running` are commands that the agent started and did not wait for; they were ended.
    `denied` are tools that the agent tried in vain, at `denied_paths`; reading is no matter of
    trust, so that what it was not let read is in `denied_reads` alone. `urls` are those of its text
    that its tools had shown it, or that it fetched. `changes` are those of an agent that worked on
    a branch of the folder.
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
    urls: tuple[str, ...] = ()
    changes: FileChanges | None = None


class AnswerCount(Value, frozen=True, kw_only=True):
    """One cluster of a vote: a canonical answer and the samples that gave it."""

    answer: str
    samples: list[int]


ChosenBy = Literal["votes", "user", "plurality"]
"""Who chose an answer: the strategy's rule, or where that could not, the user or the most votes."""


class Reading(Value, frozen=True, kw_only=True, omit_defaults=True):
    """How sure a reply was read: the verdict, and what was done to read it."""

    sample: int
    verdict: str
    notes: list[str] = []


class VoteResult(Value, frozen=True, kw_only=True):
    """The state of a vote after some complete rounds; `winner` is the sample that is kept."""

    answers: list[AnswerCount]
    flagged: list[int]
    cannot: list[int]
    winner: int | None
    margin: int
    decided_by: int | None
    reason: str = ""
    chosen_by: ChosenBy = "votes"


class VotingSummary(Value, frozen=True, kw_only=True, omit_defaults=True):
    """How a step's output was chosen; `note` says why a step was not voted on.

    Where the user chose, the margin over the largest other group can be negative.
    """

    strategy: str
    total_samples: int
    red_flagged: int
    winning_votes: int
    margin: int = 0
    note: str = ""
    chosen_by: ChosenBy = "votes"


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

    `repaired` counts the outputs that could be read only by guessing, `by_plurality` those of
    undecided votes that have the most votes, `exhausted` steps that used up their passes.
    """

    steps_done: int
    steps_not_taken: int
    items_done: int
    items_missing: int
    repaired: int = 0
    missing: list[MissingItem] = []
    by_plurality: int = 0
    exhausted: int = 0

    @property
    def words(self) -> str:
        """What is worth knowing of a completed run; empty where nothing is."""
        marks = (
            (self.by_plurality, "undecided, the most votes taken"),
            (self.exhausted, "out of passes before it was done"),
        )
        counted = [f"{number:,} {what}" for number, what in marks if number]
        return "; ".join(filter(None, [self._missing_words(), *counted]))

    def _missing_words(self) -> str:
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
