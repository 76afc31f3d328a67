"""Refuses MCP settings that hold a literal secret: a run's log would keep them for ever.

A secret is known by its name (a variable, a header, an option, a parameter of a URL), by its
shape, or as the password of a URL; `${VAR}` refers to one, and a default in it is literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from maker.core.redaction import redact
from maker.core.secret_names import names_secret
from maker.errors import ConfigError

REFERENCE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

_OPTION = re.compile(r"-{0,2}([A-Za-z][\w.-]*)(?:[=:]\s*(.*))?", re.DOTALL)
_PASSWORD = re.compile(r"://[^/@\s]*:([^/@\s]+)@")
_PARAMETERS = re.compile(r"://[^?#\s]*[?#]([^\s]*)")
_SWITCHES = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "null"})


def refuse_literals(where: str, config: Mapping[str, Any]) -> None:
    """Raise ConfigError, which names the place and never the value, for the first literal."""
    for field in ("env", "headers"):
        named = config.get(field)
        for key, value in named.items() if isinstance(named, dict) else ():
            _refuse_named(f"{where}: {field}.{key}", key, value)
    arguments = config.get("args")
    for place, name, value in _options(arguments if isinstance(arguments, list) else []):
        _refuse_named(f"{where}: args[{place}] ({name})", name, value)
    for field, value in config.items():
        items = list(value.values()) if isinstance(value, dict) else value
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, str):
                _refuse_in_url(f"{where}: the {field}", item)
        if redact(str(value)) != str(value):
            _refuse(f"{where}: {field} holds a literal credential", "VAR")


def _options(arguments: list[Any]) -> Iterator[tuple[int, str, str]]:
    """Place, name and value of each: `--token x`, `--token=x`, `TOKEN=x`, `Token: x`."""
    for place, argument in enumerate(arguments):
        option = _OPTION.fullmatch(argument) if isinstance(argument, str) else None
        if option is None:
            continue
        if option[2] is not None:
            yield place, option[1], option[2]
        elif argument.startswith("-") and place + 1 < len(arguments):
            following = str(arguments[place + 1])
            if not following.startswith("-"):
                yield place, option[1], following


def _refuse_in_url(where: str, text: str) -> None:
    for password in _PASSWORD.findall(text):
        if _is_literal(password):
            _refuse(f"{where} holds a literal password", "PASSWORD")
    for parameters in _PARAMETERS.findall(text):
        for name, value in parse_qsl(parameters):
            _refuse_named(f"{where}, parameter {name},", name, value)


def _refuse_named(where: str, name: str, value: str) -> None:
    is_count = name.lower().endswith("tokens") and value.isdecimal()
    if names_secret(name) and _is_literal(value) and not is_count:
        _refuse(f"{where} holds a literal secret", re.sub(r"\W+", "_", name).upper())


def _is_literal(value: str) -> bool:
    """Whether the value is written out: a reference without a default is not."""
    if any(not default for _, default in REFERENCE.findall(value)):
        return False
    return value.strip().lower() not in _SWITCHES


def _refuse(message: str, variable: str) -> NoReturn:
    raise ConfigError(
        message,
        field="mcp_servers",
        advice=f'Put it into a variable and refer to it, as in "${{{variable}}}": '
        "settings are kept in the run's log.",
    )
