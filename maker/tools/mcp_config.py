"""MCP server settings: those of `.mcp.json` files, checked, and their `${VAR}` references resolved.

Settings are stored with their references unresolved; `expand` runs only right before the SDK
gets them. Literal secrets are refused, see `mcp_secrets.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from maker.core.text import MOST_CHARACTERS
from maker.errors import ConfigError
from maker.tools.mcp_secrets import REFERENCE, refuse_literals

OWN_FIELDS = ("tools",)
"""Fields of a server's settings that are maker's own, not the SDK's."""

_SERVER_NAME = re.compile(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")
_FIELDS = {
    "stdio": {
        "command": "a string",
        "args": "a list of strings",
        "env": "an object of strings",
    },
    "http": {"url": "a string", "headers": "an object of strings"},
    "sse": {"url": "a string", "headers": "an object of strings"},
}


def servers_in(content: bytes, path: str) -> dict[str, dict[str, Any]]:
    """The servers in a `.mcp.json`-shaped file, checked, with their references unresolved."""
    if len(content) > MOST_CHARACTERS:
        raise _bad(path, f"has more than {MOST_CHARACTERS:,} bytes")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(path, f"is not JSON: {error}") from error
    servers = document.get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(servers, dict):
        raise _bad(path, 'has no "mcpServers" object')
    return {name: checked(name, config, where=f"{path}: ") for name, config in servers.items()}


def _bad(path: str, what: str) -> ConfigError:
    return ConfigError(
        f"{path} {what}",
        field="mcp_servers",
        advice='Expected: {"mcpServers": {"name": {"command": "...", "args": []}}}',
    )


def checked(name: str, config: Any, *, where: str = "") -> dict[str, Any]:
    """The settings of one server with its `type` filled in. Raises ConfigError for all else."""
    check_name(name, where=where)
    where = f"{where}MCP server {name}"
    if not isinstance(config, Mapping):
        raise ConfigError(f"{where}: its settings are not an object", field="mcp_servers")
    result = {"type": "stdio" if "command" in config else "", **config}
    _check_fields(where, result)
    refuse_literals(where, result)
    return result


def check_name(name: str, *, where: str = "") -> None:
    """Raise ConfigError where `mcp__<name>__<tool>` could not be taken apart again."""
    if not _SERVER_NAME.fullmatch(name):
        raise ConfigError(
            f"{where}{name!r} cannot name an MCP server",
            field="mcp_servers",
            advice="Use letters, digits, dashes and single underscores.",
        )


def _check_fields(where: str, config: Mapping[str, Any]) -> None:
    known = _FIELDS.get(config["type"]) if isinstance(config["type"], str) else None
    if known is None:
        raise ConfigError(
            f"{where}: unknown type {config['type']!r}",
            field="mcp_servers",
            advice='Use "type": "stdio" with a "command", or "http" or "sse" with a "url".',
        )
    required = next(iter(known))
    if not config.get(required):
        raise ConfigError(f'{where}: "{required}" is missing', field="mcp_servers")
    names = ("type", *known, *OWN_FIELDS)
    for field, value in config.items():
        if field not in names:
            raise ConfigError(
                f"{where}: unknown field {field!r}",
                field="mcp_servers",
                advice=f"Known: {', '.join(names)}.",
            )
        if field in known and not _fits(value, known[field]):
            raise ConfigError(f'{where}: "{field}" is not {known[field]}', field="mcp_servers")


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "a list of strings":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "an object of strings":
            return isinstance(value, dict) and all(isinstance(i, str) for i in value.values())
        case _:
            return isinstance(value, str)


def without_own(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without maker's own fields."""
    return {key: item for key, item in config.items() if key not in OWN_FIELDS}


def expand(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings as the SDK wants them: references resolved, maker's own fields left out."""

    def walk(node: Any) -> Any:
        match node:
            case str():
                return REFERENCE.sub(lambda match: _resolved(match, environ), node)
            case list():
                return [walk(item) for item in node]
            case dict():
                return {key: walk(item) for key, item in node.items()}
            case _:
                return node

    return {key: walk(item) for key, item in without_own(config).items()}


def _resolved(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, default = match.group(1), match.group(2)
    found: str | None = environ.get(name) or default
    if found is None:
        raise ConfigError(
            f"an MCP server needs the environment variable {name}, which is not set",
            field="mcp_servers",
            advice=f"Set {name}, or write ${{{name}:-default}} in the server's settings.",
        )
    return found
