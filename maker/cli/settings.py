"""How the settings of `core/config.py` are read from a command line: the types of their options.

Most types follow from the field's; only files, folders and lists of their own kind are named here.
How options become a configuration is in `configuration.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin

import click

from maker.cli.mcp_file import read_mcp_file
from maker.cli.options import Real, Whole, cap, grants, thinking, words
from maker.core.config import TaskConfig
from maker.core.setting import Described, Setting, settings_of


class Reading(NamedTuple):
    """How the text of an option becomes the value of its field."""

    type: Any = None
    metavar: str | None = None
    convert: Callable[[Any], Any] = lambda value: value
    multiple: bool = False


class Option(NamedTuple):
    """A setting as it is typed; `field` is a dotted path within `TaskConfig`."""

    name: str
    field: str
    setting: Setting
    reading: Reading
    default: Any
    is_flag: bool

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return "--" + self.name.replace("_", "-")


def _absolute(folder: str) -> str:
    return str(Path(folder).absolute())


_FOLDER = click.Path(exists=True, file_okay=False)
_OF_THEIR_OWN: dict[str, Reading] = {
    "thinking": Reading(thinking),
    "allow": Reading(grants),
    "planner_tools": Reading(words, convert=lambda names: [] if names == ["none"] else names),
    "accept": Reading(convert=list, multiple=True),
    "mcp_servers": Reading(click.Path(exists=True, dir_okay=False), convert=read_mcp_file),
    "cwd": Reading(_FOLDER, convert=_absolute),
    "add_dirs": Reading(_FOLDER, convert=lambda all: list(map(_absolute, all)), multiple=True),
}


def _reading(field: Described) -> Reading:
    setting = field.setting
    kind, *others = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
    if field.path in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[field.path]
    if choices := setting.choices or (get_args(kind) if get_origin(kind) is Literal else ()):
        return Reading(click.Choice(choices))
    if get_origin(kind) is list:
        return Reading(words, "A,B")
    if kind in (int, float) and others:
        return Reading(cap(kind), "N|none", lambda value: None if value == "none" else value)
    if kind is int:
        return Reading(int if setting.at_least is None else Whole(int(setting.at_least)), "N")
    if kind is float:
        least = setting.at_least if setting.more_than is None else setting.more_than
        is_open = setting.more_than is not None
        metavar = f"{least:g}..{setting.at_most:g}" if setting.at_most is not None else "N"
        return Reading(Real(least, setting.at_most, min_open=is_open), metavar)
    if kind is bool:
        is_negative = setting.flag.startswith("--no-")
        return Reading(convert=lambda value: not value if is_negative else value)
    return Reading(metavar="NAME")


def _option(field: Described) -> Option:
    setting, is_flag = field.setting, field.type is bool
    flag = setting.flag or "--" + field.path.rpartition(".")[2]
    default = None if setting.shown or field.default == [] else field.default
    return Option(
        name=flag.removeprefix("--").replace("-", "_"),
        field=field.path,
        setting=setting,
        reading=_reading(field),
        default=False if is_flag else default,
        is_flag=is_flag,
    )


SETTINGS = tuple(map(_option, settings_of(TaskConfig)))
