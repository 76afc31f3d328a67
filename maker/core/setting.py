"""What a field says of itself as a setting: section, help, flag, bounds. The fields: `config.py`.

How an option is read from a command line is in `cli/settings.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct

from maker.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Setting:
    """Stands at a field, in its `Annotated`. Without a flag, the option has the field's name."""

    section: str
    help: str
    flag: str = ""
    metavar: str = ""
    shown: str = ""
    """What the help calls the default where its value would say little."""
    choices: tuple[str, ...] = ()
    resumes: bool = True
    """Whether a later session can change it."""
    at_least: float | None = None
    at_most: float | None = None
    more_than: float | None = None


class Described(NamedTuple):
    """A field with its setting; `path` is dotted where the field stands inside another."""

    path: str
    type: Any
    default: Any
    setting: Setting


@cache
def settings_of(kind: type[Struct]) -> tuple[Described, ...]:
    """The settings of a struct in the order of its fields, those of structs within it included."""
    settings: list[Described] = []
    for field in msgspec.structs.fields(kind):
        is_annotated = get_origin(field.type) is Annotated
        bare, *extras = get_args(field.type) if is_annotated else (field.type,)
        setting = next((extra for extra in extras if isinstance(extra, Setting)), None)
        if setting is not None:
            default = None if field.default is msgspec.NODEFAULT else field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            settings.append(Described(field.name, bare, default, setting))
        elif isinstance(bare, type) and issubclass(bare, Struct):
            for inner in settings_of(bare):
                settings.append(inner._replace(path=f"{field.name}.{inner.path}"))
    return tuple(settings)


def require_valid(value: Struct) -> None:
    """Raise ConfigError where a field has another type than it says, or is out of its bounds.

    Values from a log or a file have their types already, those from Python may have any.
    """
    for field in msgspec.structs.fields(type(value)):
        try:
            msgspec.convert(getattr(value, field.name), field.type)
        except msgspec.ValidationError as error:
            message = f"{field.name} cannot be used: {error}"
            raise ConfigError(message, field=field.name) from error
    for path, _, _, setting in settings_of(type(value)):
        number = getattr(value, path, None)  # a struct within this one has checked itself
        wrong = _out_of_bounds(number, setting) if isinstance(number, (int, float)) else ""
        if wrong:
            raise ConfigError(f"{path} is {number}, {wrong}", field=path)


def _out_of_bounds(number: float, setting: Setting) -> str:
    """What is wrong with the number; a log holds neither NaN nor infinity."""
    least, most, limit = setting.at_least, setting.at_most, setting.more_than
    if least is not None and most is not None and not least <= number <= most:
        return f"not {least:g} to {most:g}"
    if least is not None and number < least:
        return f"but must be at least {least:g}"
    if isinstance(number, float) and not isfinite(number):
        return "but must be finite"
    if limit is not None and number <= limit:
        return f"but must be more than {limit:g}"
    return ""
