"""The one table of what a run can be told: option, field of `TaskConfig`, help.

How the table becomes options, and options a configuration, is in `configuration.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click

from maker.cli.options import TOOLS, Real, Whole, cap, grants, thinking, words
from maker.core.models import EFFORTS, Ambiguity
from maker.core.strategies import Strategy
from maker.tools.mcp_config import read_mcp_file

MODELS, VOTING, LIMITS, AGENT = "Models and planning", "Voting", "Limits", "Agent"


def _same(value: Any) -> Any:
    return value


def _uncapped(value: Any) -> Any:
    return None if value == "none" else value


def _absolute(value: Any) -> Any:
    return str(Path(value).absolute())


def _all_absolute(value: Any) -> Any:
    return [_absolute(each) for each in value]


def _negated(value: Any) -> Any:
    return not value


class Setting(NamedTuple):
    """One option and the field that it sets; `resumes` where a later session can change it."""

    name: str
    field: str
    section: str
    help: str
    type: Any = None
    convert: Callable[[Any], Any] = _same
    resumes: bool = True
    shown: str = ""
    more: Mapping[str, Any] = {}

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return "--" + self.name.replace("_", "-")


_FOLDER = click.Path(exists=True, file_okay=False)
_FILE = click.Path(exists=True, dir_okay=False)
RATE = Real(0, 1)
COUNT, SIZE = Whole(0), Whole(1)
SECONDS = Real(0, min_open=True)
USD, NUMBER = cap(float), cap(int)
FLAG = {"is_flag": True}
_MANY = {"multiple": True}

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "model",
        "model",
        MODELS,
        "Model of the steps; the planner's, too, unless it has one. Left out, it is the current "
        "Sonnet.",
    ),
    Setting("planner_model", "planner_model", MODELS, "Model that plans.", shown="as --model"),
    Setting(
        "models",
        "models",
        MODELS,
        "Models that the planner may choose from for single steps.",
        words,
        shown="none",
    ),
    Setting(
        "effort",
        "effort",
        MODELS,
        "How hard the models try.",
        click.Choice(EFFORTS),
        shown="the model's own",
    ),
    Setting(
        "thinking", "thinking", MODELS, "How much they think.", thinking, shown="the model's own"
    ),
    Setting(
        "quality_checks",
        "enable_quality_checks",
        MODELS,
        "Have an agent judge the plan before it runs (one more call).",
        more=FLAG,
    ),
    Setting(
        "max_planner_retries",
        "max_planner_retries",
        MODELS,
        "How often a refused plan is planned again.",
        COUNT,
    ),
    Setting(
        "no_questions",
        "questions",
        MODELS,
        "Never let the planner ask you; it may only where stdin and stderr are a terminal.",
        convert=_negated,
        more=FLAG,
    ),
    Setting(
        "voting",
        "voting_strategy",
        VOTING,
        "How a step's answer is chosen.",
        click.Choice(get_args(Strategy)),
    ),
    Setting("voting_n", "voting_n", VOTING, "Samples of a majority vote.", SIZE),
    Setting("voting_k", "voting_k", VOTING, "Lead that wins first_to_k.", SIZE),
    Setting(
        "max_voting_samples",
        "max_voting_samples",
        VOTING,
        "Samples after which an undecided vote has failed.",
        SIZE,
    ),
    Setting(
        "step_max_retries",
        "step_max_retries",
        VOTING,
        "How often a failed step is tried again.",
        COUNT,
    ),
    Setting(
        "allow",
        "allow",
        TOOLS,
        "What needs no asking: write files, run shell commands, use other services, read the web "
        "or pages of one host, as in web:sqlite.org. On a resume: in addition.",
        grants,
        shown="none",
        more={"metavar": "write,bash,external,web[:HOST]"},
    ),
    Setting(
        "tools",
        "allowed_builtin_tools",
        TOOLS,
        "Claude's own tools that a plan may use, as in Read,Grep.",
        words,
        resumes=False,
        shown="all",
    ),
    Setting(
        "mcp_config",
        "mcp_servers",
        TOOLS,
        "File with MCP servers, shaped like .mcp.json.",
        _FILE,
        convert=read_mcp_file,
        shown="none",
        more={"metavar": "FILE"},
    ),
    Setting(
        "cwd",
        "cwd",
        TOOLS,
        "Working folder of the agents; they write nowhere else.",
        _FOLDER,
        convert=_absolute,
        shown="here",
        more={"metavar": "DIR"},
    ),
    Setting(
        "add_dir",
        "add_dirs",
        TOOLS,
        "Another folder that the agents may read; can be repeated.",
        _FOLDER,
        convert=_all_absolute,
        shown="none",
        more={"metavar": "DIR", **_MANY},
    ),
    Setting(
        "on_ambiguous",
        "on_ambiguous",
        TOOLS,
        "After a crash in a step with effects whose outcome nobody knows.",
        click.Choice(get_args(Ambiguity)),
    ),
    Setting(
        "max_cost_usd",
        "max_cost_usd",
        LIMITS,
        "Pause when this is spent, in dollars at list price; 0: ask nobody; none: no cap.",
        USD,
        convert=_uncapped,
    ),
    Setting(
        "max_tokens",
        "max_tokens",
        LIMITS,
        "Pause after this many tokens.",
        NUMBER,
        convert=_uncapped,
        shown="none",
    ),
    Setting(
        "max_samples",
        "max_samples",
        LIMITS,
        "Pause after this many samples of steps.",
        NUMBER,
        convert=_uncapped,
        shown="none",
    ),
    Setting(
        "max_minutes",
        "max_minutes",
        LIMITS,
        "Pause after this much working time.",
        USD,
        convert=_uncapped,
        shown="none",
    ),
    Setting(
        "patience",
        "patience_s",
        LIMITS,
        "How long to wait for a database that is locked, or whose disk is full.",
        Real(0),
        more={"metavar": "SECONDS"},
    ),
    Setting("samples_at_once", "samples_at_once", LIMITS, "Calls at the same time.", SIZE),
    Setting(
        "call_timeout",
        "call_timeout_s",
        LIMITS,
        "How long one call may take.",
        SECONDS,
    ),
    Setting("max_turns", "max_turns", LIMITS, "Turns that one call may take.", SIZE),
    Setting(
        "allow_missing",
        "allow_missing",
        LIMITS,
        "Exit with 0, not 8, where items of a for_each step failed and were passed over.",
        more=FLAG,
    ),
    Setting(
        "dry_run",
        "dry_run",
        LIMITS,
        "Plan and validate, then pause; resume carries the plan out.",
        more=FLAG,
    ),
    Setting(
        "agent",
        "agent",
        AGENT,
        "Who answers: Claude, or a simulation that costs nothing.",
        click.Choice(("claude", "simulated")),
        resumes=False,
    ),
    Setting("seed", "simulation.seed", AGENT, "Simulated: chooses its answers.", int),
    Setting("error_rate", "simulation.error_rate", AGENT, "Simulated: share of wrong ones.", RATE),
    Setting("flag_rate", "simulation.flag_rate", AGENT, "Simulated: share of useless ones.", RATE),
    Setting(
        "delay_ms",
        "simulation.delay_ms",
        AGENT,
        "Simulated: milliseconds that an answer takes.",
        COUNT,
    ),
)
