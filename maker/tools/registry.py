"""The tools that a plan may name: builtins and MCP servers, with description and effect.

Knows nothing of permissions or of the SDK; `effects.py` judges, `permissions.py` restricts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from maker.core.effects import BUILTIN_EFFECTS, STRENGTH, offered_name
from maker.core.models import Effect, ToolSpec
from maker.errors import ConfigError
from maker.tools.mcp_config import check_name, checked, without_own

DESCRIPTIONS = {
    "Read": "Reads one file (text, image, PDF or notebook) whose exact path is known.",
    "Glob": "Lists the files whose paths match a pattern such as src/**/*.py.",
    "Grep": "Finds the lines that match a regular expression in the files of a folder.",
    "WebFetch": "Fetches one web page and answers a question about it; only pages of hosts whose "
    "URLs the instruction or a step gives in full.",
    "WebSearch": "Searches the web and gives titles, addresses and excerpts.",
    "Write": "Writes a whole file in the working folder, new or over an old one.",
    "Edit": "Replaces an exact piece of text in one existing file of the working folder.",
    "NotebookEdit": "Replaces, inserts or deletes a cell of a Jupyter notebook.",
    "Bash": "Runs a shell command: tests, git, builds and whatever no other tool can do.",
}
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]+")

DeclaredTools = Mapping[str, ToolSpec | Mapping[str, Any]]


class ToolRegistry:
    """The tools of a run. Starts empty; `with_defaults` has Claude's own tools."""

    def __init__(self) -> None:
        self._builtins: dict[str, ToolSpec] = {}
        self._servers: dict[str, dict[str, Any]] = {}
        self._live: dict[str, Any] = {}
        self._declared: dict[str, list[ToolSpec]] = {}

    @classmethod
    def with_defaults(cls, allowed: Sequence[str] | None = None) -> ToolRegistry:
        """Claude's own tools, or only the allowed ones."""
        for name in () if allowed is None else allowed:
            if name not in DESCRIPTIONS:
                near = difflib.get_close_matches(name.title(), DESCRIPTIONS, n=1)
                known = ", ".join(DESCRIPTIONS)
                raise ConfigError(
                    f"there is no builtin tool {name!r}",
                    field="allowed_builtin_tools",
                    advice=f"Did you mean {near[0]}?" if near else f"Known: {known}.",
                )
        registry = cls()
        for name, description in DESCRIPTIONS.items():
            if allowed is None or name in allowed:
                registry.register_builtin(name, description)
        return registry

    def register_builtin(self, name: str, description: str, effect: Effect | None = None) -> None:
        """Add one of Claude's own tools. A known tool's effect can be raised, not lowered."""
        known = BUILTIN_EFFECTS.get(name)
        chosen = effect or known or "external"
        if known and STRENGTH.index(_effect(name, chosen)) < STRENGTH.index(known):
            raise ConfigError(
                f"the effect of {name} is {known} and cannot be declared {chosen}", field="effect"
            )
        self._builtins[name] = _spec(name, description, chosen)

    def register_mcp(
        self, name: str, config: Mapping[str, Any], *, tools: DeclaredTools | None = None
    ) -> None:
        """Add an MCP server: stdio, http or sse settings, or an in-process server of the SDK.

        Declared tools, here or as `tools` in the settings, have the effect that is given for
        them; a server without any is one tool whose effect is external.
        """
        check_name(name)
        own = config.get("tools") if isinstance(config, Mapping) else None
        declared = _declared(name, {**_mapping(name, own), **(tools or {})})
        live = isinstance(config, Mapping) and config.get("instance") is not None
        target: dict[str, Any] = self._live if live else self._servers
        kept = without_own(config) if live else checked(name, config)
        if declared and not live:
            kept["tools"] = {
                tool: {"effect": spec.effect, "description": spec.description}
                for tool, spec in declared.items()
            }
        self._live.pop(name, None)
        self._servers.pop(name, None)
        target[name] = kept
        any_tool = _spec(f"mcp__{name}", f"Any tool of the MCP server {name}.", "external")
        self._declared[name] = list(declared.values()) or [any_tool]

    def specs(self) -> list[ToolSpec]:
        """Every tool that a plan may name."""
        return [*self._builtins.values(), *(s for group in self._declared.values() for s in group)]

    @property
    def mcp_servers(self) -> dict[str, dict[str, Any]]:
        """The servers whose settings are plain data, with unresolved `${VAR}` references."""
        return dict(self._servers)

    @property
    def live_servers(self) -> dict[str, Any]:
        """The in-process servers; they cannot be stored and must be registered on each start."""
        return dict(self._live)


def _effect(name: str, effect: Any) -> Effect:
    if effect not in get_args(Effect):
        raise ConfigError(
            f"{name}: unknown effect {effect!r}",
            field="effect",
            advice=f"Use {', '.join(STRENGTH)}.",
        )
    checked_effect: Effect = effect
    return checked_effect


def _spec(name: str, description: Any, effect: Any) -> ToolSpec:
    if not isinstance(description, str):
        raise ConfigError(f"{name}: the description is not a string", field="description")
    return ToolSpec(name=name, description=description, effect=_effect(name, effect))


def _mapping(server: str, value: Any) -> Mapping[str, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise ConfigError(
        f"MCP server {server}: tools is not an object",
        field="mcp_servers",
        advice='Expected: "tools": {"search": {"effect": "read", "description": "..."}}',
    )


def _declared(server: str, tools: Mapping[str, Any]) -> dict[str, ToolSpec]:
    return {name: _declared_tool(server, name, value) for name, value in tools.items()}


def _declared_tool(server: str, name: str, value: Any) -> ToolSpec:
    full = f"mcp__{server}__{name}"
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise ConfigError(
            f"MCP server {server}: {name!r} cannot name a tool",
            field="mcp_servers",
            advice=f"Declare it as the CLI offers it: {offered_name(str(name)) or '?'}",
        )
    if isinstance(value, ToolSpec):
        return _spec(full, value.description, value.effect)
    if not isinstance(value, Mapping) or set(value) - {"effect", "description"}:
        raise ConfigError(
            f"MCP server {server}: the tool {name} is not declared by effect and description",
            field="mcp_servers",
            advice='Expected: {"effect": "read", "description": "..."}',
        )
    return _spec(full, value.get("description", ""), value.get("effect", "external"))
