"""Everything that a user may choose about a run: each setting with section, help, flag and bounds.

The command line, its help and the checks follow from what stands here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from msgspec import Struct

from maker.core.grants import ADVICE as GRANT_ADVICE
from maker.core.grants import is_grant
from maker.core.kinds import AgentName
from maker.core.setting import Setting, require_valid
from maker.core.strategies import Strategy, VotingStrategy, named
from maker.errors import ConfigError

Ambiguity = Literal["retry", "ask", "fail"]
Undecided = Literal["pause", "plurality"]

MODELS, VOTING, TOOLS = "Models and planning", "Voting", "Tools and permissions"
LIMITS, AGENT = "Limits", "Agent"

COST_CAP_USD = 5.0
"""Nobody should spend more than this unasked."""
DEFAULT_MODEL = "claude-sonnet-4-5"
"""Means "the current Sonnet": resolved to a pinned model when a run is submitted."""
PLANNER_TOOLS: list[Literal["Read", "Grep", "Glob"]] = ["Read", "Grep", "Glob"]
"""What None means as `planner_tools` of a new run; in a log it means a planner without tools."""
EFFORTS = ("low", "medium", "high", "xhigh", "max")
MOST_INSTRUCTION_CHARACTERS = 100_000
"""About 25,000 tokens; every planning attempt pays for them again."""


class Simulation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the simulated agent behaves; the same values always give the same replies."""

    seed: Annotated[int, Setting(AGENT, "Simulated: chooses its answers.")] = 0
    error_rate: Annotated[
        float, Setting(AGENT, "Simulated: share of wrong ones.", at_least=0, at_most=1)
    ] = 0.0
    flag_rate: Annotated[
        float, Setting(AGENT, "Simulated: share of useless ones.", at_least=0, at_most=1)
    ] = 0.0
    delay_ms: Annotated[
        int, Setting(AGENT, "Simulated: milliseconds that an answer takes.", at_least=0)
    ] = 0

    def __post_init__(self) -> None:
        require_valid(self)


class TaskConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the user may choose about a run. Rejects values that make no sense.

    The default model is the current Sonnet, whatever its name, unless `named_models` has the
    field: then the user means just the model of that name.
    """

    instruction: str
    model: Annotated[
        str,
        Setting(
            MODELS,
            "Model of the steps; the planner's, too, unless it has one. Left out, it is the "
            "current Sonnet.",
        ),
    ] = DEFAULT_MODEL
    planner_model: Annotated[
        str | None, Setting(MODELS, "Model that plans.", shown="as --model")
    ] = None
    planner_tools: Annotated[
        list[Literal["Read", "Grep", "Glob"]] | None,
        Setting(
            MODELS,
            "What the planner may look with before it plans; none: it sees no more than the list "
            "of files.",
            metavar="Read,Grep,Glob|none",
            shown="all three",
        ),
    ] = None
    named_models: list[Literal["model", "planner_model"]] = []
    models: Annotated[
        list[str],
        Setting(MODELS, "Models that the planner may choose from for single steps.", shown="none"),
    ] = []
    effort: Annotated[
        str | None,
        Setting(MODELS, "How hard the models try.", choices=EFFORTS, shown="the model's own"),
    ] = None
    thinking: Annotated[
        str | None,
        Setting(
            MODELS,
            "How much they think.",
            metavar="off|adaptive|TOKENS",
            shown="the model's own",
        ),
    ] = None
    enable_quality_checks: Annotated[
        bool,
        Setting(
            MODELS,
            "Have an agent judge the plan before it runs (one more call).",
            flag="--quality-checks",
        ),
    ] = False
    max_planner_retries: Annotated[
        int, Setting(MODELS, "How often a refused plan is planned again.", at_least=0)
    ] = 2
    replans: Annotated[
        int,
        Setting(
            MODELS,
            "How often the planner is asked again where a step of its plan cannot be done.",
            at_least=0,
        ),
    ] = 1
    questions: Annotated[
        bool,
        Setting(
            MODELS,
            "Never let the planner ask you; it may only where stdin and stderr are a terminal.",
            flag="--no-questions",
        ),
    ] = False

    voting_strategy: Annotated[
        Strategy, Setting(VOTING, "How a step's answer is chosen.", flag="--voting")
    ] = "none"
    voting_n: Annotated[int, Setting(VOTING, "Samples of a majority vote.", at_least=1)] = 3
    voting_k: Annotated[int, Setting(VOTING, "Lead that wins first_to_k.", at_least=1)] = 2
    max_voting_samples: Annotated[
        int,
        Setting(
            VOTING,
            "Samples of a try's vote; answers that disagree go on with those of its retries.",
            at_least=1,
        ),
    ] = 10
    step_max_retries: Annotated[
        int, Setting(VOTING, "How often a failed step is tried again.", at_least=0)
    ] = 2
    undecided: Annotated[
        Undecided,
        Setting(
            VOTING,
            "Where answers disagree to the end: pause and ask you, or take the one with the most "
            "votes, marked.",
        ),
    ] = "pause"

    allow: Annotated[
        list[str],
        Setting(
            TOOLS,
            "What needs no asking: write files, run shell commands, use other services, read the "
            "web or pages of one host, as in web:sqlite.org. On a resume: in addition.",
            metavar="write,bash,external,web[:HOST]",
            shown="none",
        ),
    ] = []
    allowed_builtin_tools: Annotated[
        list[str] | None,
        Setting(
            TOOLS,
            "Claude's own tools that a plan may use, as in Read,Grep.",
            flag="--tools",
            shown="all",
            resumes=False,
        ),
    ] = None
    mcp_servers: Annotated[
        dict[str, Any],
        Setting(
            TOOLS,
            "File with MCP servers, shaped like .mcp.json.",
            flag="--mcp-config",
            metavar="FILE",
            shown="none",
        ),
    ] = {}
    cwd: Annotated[
        str,
        Setting(
            TOOLS,
            "Working folder of the agents; they write nowhere else.",
            metavar="DIR",
            shown="here",
        ),
    ] = ""
    add_dirs: Annotated[
        list[str],
        Setting(
            TOOLS,
            "Another folder that the agents may read; can be repeated.",
            flag="--add-dir",
            metavar="DIR",
            shown="none",
        ),
    ] = []
    isolate: Annotated[
        Literal["off", "copy"],
        Setting(
            TOOLS,
            "Where agents that write work: in the folder itself, or each on a copy, whose changes "
            "are applied once, if it has won.",
        ),
    ] = "off"
    accept: Annotated[
        list[str],
        Setting(
            TOOLS,
            "A command that must exit with 0 for an answer to count: it is run in the working "
            "folder on the answers of steps with effects and of the last step, and gets the answer "
            "as JSON on its stdin. Needs the consent to `bash`; can be repeated.",
            metavar="COMMAND",
            shown="none",
        ),
    ] = []
    on_ambiguous: Annotated[
        Ambiguity,
        Setting(TOOLS, "After a crash in a step with effects whose outcome nobody knows."),
    ] = "ask"

    max_cost_usd: Annotated[
        float | None,
        Setting(
            LIMITS,
            "Pause when this is spent, in dollars at list price; 0: ask nobody; none: no cap.",
            at_least=0,
        ),
    ] = COST_CAP_USD
    max_tokens: Annotated[
        int | None, Setting(LIMITS, "Pause after this many tokens.", at_least=0, shown="none")
    ] = None
    max_samples: Annotated[
        int | None,
        Setting(LIMITS, "Pause after this many samples of steps.", at_least=0, shown="none"),
    ] = None
    max_minutes: Annotated[
        float | None,
        Setting(LIMITS, "Pause after this much working time.", at_least=0, shown="none"),
    ] = None
    patience_s: Annotated[
        float,
        Setting(
            LIMITS,
            "How long to wait for a database that is locked, or whose disk is full.",
            flag="--patience",
            metavar="SECONDS",
            at_least=0,
        ),
    ] = 600.0
    wait_hours: Annotated[
        float,
        Setting(
            LIMITS,
            "How long to wait for the end of a usage limit that says when it ends; a longer one "
            "pauses the run.",
            flag="--wait",
            metavar="HOURS",
            at_least=0,
            shown="12 on a terminal, else a quarter of one",
        ),
    ] = 0.0
    samples_at_once: Annotated[int, Setting(LIMITS, "Calls at the same time.", at_least=1)] = 4
    call_timeout_s: Annotated[
        float,
        Setting(
            LIMITS,
            "How long one call may take.",
            flag="--call-timeout",
            metavar="SECONDS",
            more_than=0,
        ),
    ] = 600.0
    max_turns: Annotated[int, Setting(LIMITS, "Turns that one call may take.", at_least=1)] = 50
    allow_missing: Annotated[
        bool,
        Setting(
            LIMITS,
            "Exit with 0, not 8, where items of a for_each step failed and were passed over.",
        ),
    ] = False
    dry_run: Annotated[
        bool, Setting(LIMITS, "Plan and validate, then pause; resume carries the plan out.")
    ] = False

    agent: Annotated[
        AgentName,
        Setting(AGENT, "Who answers: Claude, or a simulation that costs nothing.", resumes=False),
    ] = "claude"
    simulation: Simulation = Simulation()

    def __post_init__(self) -> None:
        _require_instruction(self.instruction)
        if self.voting_strategy not in get_args(Strategy):
            raise ConfigError(
                f"unknown voting strategy {self.voting_strategy!r}",
                field="voting_strategy",
                advice=f"Use one of: {', '.join(get_args(Strategy))}.",
            )
        require_valid(self)
        if not all(command.strip() for command in self.accept):
            raise ConfigError(
                "a command that accepts answers is empty",
                field="accept",
                advice='Name one, as in: --accept "make test"',
            )
        for grant in self.allow:
            if not is_grant(grant):
                raise ConfigError(f"cannot allow {grant!r}", field="allow", advice=GRANT_ADVICE)

    @property
    def step_models(self) -> list[str]:
        """The models that a step may name: those that the user allowed, and the run's own."""
        return [*self.models, self.model]

    @property
    def voting(self) -> VotingStrategy:
        """How answers are chosen where a step can be voted on."""
        return named(self.voting_strategy, self.voting_n, self.voting_k)


def _require_instruction(instruction: str) -> None:
    if not isinstance(instruction, str) or not instruction.strip():
        raise ConfigError(
            "the instruction is empty",
            field="instruction",
            advice='Say what is to be done, as in: maker run "Summarise README.md"',
        )
    if len(instruction) > MOST_INSTRUCTION_CHARACTERS:
        raise ConfigError(
            f"the instruction has {len(instruction):,} characters, more than the limit of "
            f"{MOST_INSTRUCTION_CHARACTERS:,}",
            field="instruction",
            advice="Say what is to be done, and name the file that holds the rest.",
        )
