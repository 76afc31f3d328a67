"""From the table of settings to the options of a command, and from options to a `TaskConfig`.

A default is the one of `TaskConfig`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from maker.cli.options import SectionOption, thinking, words
from maker.cli.settings import (
    COUNT,
    FLAG,
    NUMBER,
    RATE,
    SECONDS,
    SETTINGS,
    SIZE,
    USD,
    Setting,
)
from maker.core.grants import GRANTS
from maker.core.models import Simulation, TaskConfig
from maker.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

_METAVARS: dict[Any, str] = {
    words: "A,B",
    thinking: "off|adaptive|TOKENS",
    USD: "N|none",
    NUMBER: "N|none",
    RATE: "0..1",
    COUNT: "N",
    SIZE: "N",
    SECONDS: "SECONDS",
    int: "N",
    None: "NAME",
}


def default(setting: Setting) -> Any:
    """What the option stands at when it is not given."""
    if setting.more == FLAG:
        return False
    outer, _, inner = setting.field.partition(".")
    value = _default_of(TaskConfig, outer)
    value = getattr(value, inner) if inner else value
    return None if setting.shown or value == [] else value


def _default_of(kind: type, name: str) -> Any:
    field = next(each for each in msgspec.structs.fields(kind) if each.name == name)
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.default is msgspec.NODEFAULT else field.default


def setting_options(*, resuming: bool = False, without: Collection[str] = ()) -> Callable[[F], F]:
    """A decorator that adds the options of the table; a resume has no defaults of its own."""

    def add(function: F) -> F:
        for setting in reversed(SETTINGS):
            if setting.name not in without and (setting.resumes or not resuming):
                function = _option(setting, resuming)(function)
        return function

    return add


def _option(setting: Setting, resuming: bool) -> Callable[[F], F]:
    is_flag = setting.more == FLAG
    value = default(setting)
    shown = setting.shown or (f"{value:g}" if isinstance(value, float) else value)
    return click.option(
        setting.flag,
        setting.name,
        cls=SectionOption,
        section=setting.section,
        type=setting.type,
        default=None if resuming and not is_flag else value,
        help=setting.help if resuming or is_flag else f"{setting.help} [{shown}]",
        **{"metavar": None if is_flag else _METAVARS.get(setting.type), **setting.more},
    )


def fields(parameters: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields of `TaskConfig` that the named options set; those of the simulation together."""
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        value = parameters.get(setting.name)
        if setting.name not in names or value is None:
            continue
        outer, _, inner = setting.field.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = setting.convert(value)
        else:
            found[outer] = setting.convert(value)
    if parameters.get("yes"):
        found["allow"] = list(GRANTS)
    return found


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
    chosen = fields(parameters, {setting.name for setting in SETTINGS})
    chosen["simulation"] = Simulation(**chosen.get("simulation", {}))
    ctx = click.get_current_context(silent=True)
    named = {"model", "planner_model"} & given(ctx) if ctx else set()
    chosen |= {"instruction": instruction, "named_models": sorted(named)}
    config = TaskConfig(**{"cwd": "", **chosen})
    if not config.cwd:
        config = msgspec.structs.replace(config, cwd=_current_folder())
    require_sensible(config)
    return config


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        raise ConfigError(
            "the current folder does not exist any more",
            field="cwd",
            advice="Change to another folder, or name one with --cwd.",
        ) from None


def require_sensible(config: TaskConfig) -> None:
    """Raise ConfigError where settings contradict each other."""
    if config.agent != "simulated" and config.simulation != Simulation():
        raise ConfigError(
            "--seed, --error-rate, --flag-rate and --delay-ms are for a simulated agent",
            field="simulation",
            advice="Leave them out, or add --agent simulated.",
        )
    _require_decidable(config)


def _require_decidable(config: TaskConfig) -> None:
    """Raise ConfigError where a vote needs more samples than it may take."""
    most, quorum = config.max_voting_samples, config.voting.quorum
    if quorum > most:
        raise ConfigError(
            f"a vote needs {quorum} samples that agree, but may take only {most}",
            field="max_voting_samples",
            advice="Give a higher --max-voting-samples, or a lower --voting-k or --voting-n.",
        )
