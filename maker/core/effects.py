"""What a set of tools may do to the world, and what the user must have granted for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from maker.core.grants import GRANTS
from maker.core.models import Effect, PlanStep, ToolSpec

STRENGTH: tuple[Effect, ...] = ("pure", "read", "web", "write", "external")
"""The effects, weakest first."""

BUILTIN_EFFECTS: dict[str, Effect] = {
    "Read": "read",
    "Glob": "read",
    "Grep": "read",
    "WebFetch": "web",
    "WebSearch": "web",
    "Write": "write",
    "Edit": "write",
    "NotebookEdit": "write",
    "Bash": "write",
}
FETCH = "WebFetch"
"""The one tool whose web can be restricted to hosts; see `web.py`."""
_NOT_OFFERED = re.compile(r"[^A-Za-z0-9_-]")
_BUILTIN_GRANTS = {"Write": "write", "Edit": "write", "NotebookEdit": "write", "Bash": "bash"}


def has_effects(effect: Effect) -> bool:
    """Whether something is different after it: it is done once, and never only tried."""
    return effect in ("write", "external")


def strongest(effects: Sequence[Effect]) -> Effect:
    """The strongest of the effects; `pure` where there is none."""
    return max(effects, key=STRENGTH.index, default="pure")


def is_mcp(tool: str) -> bool:
    """Whether the name is that of an MCP tool or server (`mcp__server` or `mcp__server__tool`)."""
    return tool.startswith("mcp__")


def mcp_server(tool: str) -> str:
    """The server's name in `mcp__server` or `mcp__server__tool`; empty for a builtin."""
    return tool.split("__", 2)[1] if is_mcp(tool) else ""


def offered_name(tool: str) -> str:
    """The name by which the CLI offers a tool of an MCP server: what it cannot hold becomes `_`."""
    return _NOT_OFFERED.sub("_", tool)


def find_spec(tool: str, specs: Sequence[ToolSpec]) -> ToolSpec | None:
    """The spec that speaks for the tool: its own, or that of its whole MCP server."""
    by_name = {spec.name: spec for spec in specs}
    if tool in by_name or not is_mcp(tool):
        return by_name.get(tool)
    return by_name.get(f"mcp__{mcp_server(tool)}")


def effect_of(tool: str, specs: Sequence[ToolSpec]) -> Effect:
    """The effect of one tool. A tool that nobody described may do anything: `external`."""
    spec = find_spec(tool, specs)
    return spec.effect if spec else BUILTIN_EFFECTS.get(tool, "external")


def resolve_effect(tools: Sequence[str], specs: Sequence[ToolSpec]) -> Effect:
    """The strongest effect of the tools; `pure` without tools."""
    return strongest([effect_of(tool, specs) for tool in tools])


def effect_of_step(step: PlanStep, specs: Sequence[ToolSpec]) -> Effect:
    """The strongest effect of the step's tools, or the stronger one that the plan declares."""
    tools = [*step.primary_tools, *step.fallback_tools]
    return strongest([resolve_effect(tools, specs), step.effect or "pure"])


def grants_needed(tools: Sequence[str], specs: Sequence[ToolSpec]) -> list[str]:
    """What the user must grant before the tools may be used, but for the hosts of a fetch."""
    needed = set[str]()
    for tool in tools:
        effect = effect_of(tool, specs)
        if tool in _BUILTIN_GRANTS:
            needed.add(_BUILTIN_GRANTS[tool])
        elif effect == "web" and tool != FETCH:
            needed.add("web")
        elif has_effects(effect):
            needed.add("external")
    return [grant for grant in GRANTS if grant in needed]
