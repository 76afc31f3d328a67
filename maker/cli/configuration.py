"""From the table of settings to the options of a command, and from options to a `TaskConfig`.

Which settings there are says `core/config.py`; a default is the one of `TaskConfig`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from maker.cli.options import option
from maker.cli.settings import SETTINGS, Option
from maker.core.grants import GRANTS
from maker.core.kinds import kind_of
from maker.core.models import Simulation, TaskConfig
from maker.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])


def setting_options(*, resuming: bool = False, without: Collection[str] = ()) -> Callable[[F], F]:
    """A decorator that adds the options of the table; a resume has no defaults of its own."""

    def add(function: F) -> F:
        for typed in reversed(SETTINGS):
            if typed.name not in without and (typed.setting.resumes or not resuming):
                function = _option(typed, resuming)(function)
        return function

    return add


def _option(typed: Option, resuming: bool) -> Callable[[F], F]:
    setting, value, is_flag = typed.setting, typed.default, typed.is_flag
    shown = setting.shown or (f"{value:g}" if isinstance(value, float) else value)
    return option(
        setting.section,
        typed.flag,
        typed.name,
        type=typed.reading.type,
        is_flag=is_flag,
        multiple=typed.reading.multiple,
        default=None if resuming and not is_flag else value,
        help=setting.help if resuming or is_flag else f"{setting.help} [{shown}]",
        metavar=setting.metavar or typed.reading.metavar,
    )


def fields(parameters: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields of `TaskConfig` that the named options set; those of the simulation together."""
    chosen: dict[str, Any] = {}
    for typed in SETTINGS:
        value = parameters.get(typed.name)
        if typed.name not in names or value is None:
            continue
        outer, _, inner = typed.field.partition(".")
        if inner:
            chosen.setdefault(outer, {})[inner] = typed.reading.convert(value)
        else:
            chosen[outer] = typed.reading.convert(value)
    if parameters.get("yes"):
        chosen["allow"] = list(GRANTS)
    return chosen


def given(ctx: click.Context) -> set[str]:
    """The options that stand on the command line."""
    source = click.core.ParameterSource
    return {
        name
        for name in ctx.params
        if ctx.get_parameter_source(name) in (source.COMMANDLINE, source.ENVIRONMENT)
    }


def task_config(parameters: Mapping[str, Any], instruction: str) -> TaskConfig:
    """The configuration of a new run. Raises ConfigError for values that make no sense."""
    chosen = fields(parameters, {typed.name for typed in SETTINGS})
    chosen["simulation"] = Simulation(**chosen.get("simulation", {}))
    ctx = click.get_current_context(silent=True)
    named = {"model", "planner_model"} & given(ctx) if ctx else set()
    chosen |= {"instruction": instruction, "named_models": sorted(named)}
    config = TaskConfig(**{"cwd": "", **chosen})
    if not config.cwd:
        try:
            folder = str(Path.cwd())
        except FileNotFoundError:
            raise ConfigError(
                "the current folder does not exist any more",
                field="cwd",
                advice="Change to another folder, or name one with --cwd.",
            ) from None
        config = msgspec.structs.replace(config, cwd=folder)
    require_sensible(config)
    return config


def require_sensible(config: TaskConfig) -> None:
    """Raise ConfigError where settings contradict each other."""
    if config.simulation != Simulation() and not kind_of(config.agent).takes_simulation:
        raise ConfigError(
            "--seed, --error-rate, --flag-rate and --delay-ms are for a simulated agent",
            field="simulation",
            advice="Leave them out, or add --agent simulated.",
        )
    most, quorum = config.max_voting_samples, config.voting.quorum
    if quorum > most:
        raise ConfigError(
            f"a vote needs {quorum} samples that agree, but may take only {most}",
            field="max_voting_samples",
            advice="Give a higher --max-voting-samples, or a lower --voting-k or --voting-n.",
        )
