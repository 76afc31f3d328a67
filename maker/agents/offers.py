"""Whether an agent really has the tools of its call, by what the CLI's first message offers. Pure.

Measured: a server that hangs, dies or lacks a tool, or a variable that takes tools away, leaves the
agent without them, and it answers all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from maker.agents.values import string
from maker.core.effects import is_mcp, mcp_server
from maker.core.models import AgentCall
from maker.core.permissions import offered, reachable_servers
from maker.core.text import one_line
from maker.errors import AgentNotReady

ADVICE = {
    "mcp": "Check the server's command or address and its variables; then resume the run.",
    "tools": "Mend what takes the tool away (the server, a policy, a variable), or name one that "
    "is offered in the plan (--replan, --plan); then resume the run.",
}
_LONGEST_LIST = 400


class Offer(Struct, frozen=True):
    """The tools that the CLI offers, and the status of each MCP server."""

    tools: tuple[str, ...]
    servers: Mapping[str, str]


def offer_of(data: Any) -> Offer | None:
    """What the CLI's first message says; None where it does not say."""
    tools = data.get("tools") if isinstance(data, dict) else None
    if not isinstance(tools, list):
        return None
    servers = data.get("mcp_servers")
    entries = [s for s in servers if isinstance(s, dict)] if isinstance(servers, list) else []
    return Offer(
        tools=tuple(tool for tool in tools if isinstance(tool, str)),
        servers={string(s.get("name")): string(s.get("status")) for s in entries},
    )


def silence(call: AgentCall, why: str) -> Offer:
    """The offer of servers of which nothing was heard."""
    return Offer(tools=(), servers=dict.fromkeys(reachable_servers(call), why or "no answer"))


def missing(call: AgentCall, offer: Offer) -> list[str]:
    """The tools of the call that are not offered. A server is offered if one of its tools is."""
    needed = [*offered(call), *filter(is_mcp, call.tools)]
    return [tool for tool in needed if not any(_stands_for(tool, o) for o in offer.tools)]


def unnamed(call: AgentCall, offer: Offer) -> list[str]:
    """Tools of the call's servers that the call does not name, or the user did not declare."""
    own = [*filter(is_mcp, call.tools)]
    return [
        tool
        for tool in offer.tools
        if mcp_server(tool) in reachable_servers(call)
        and not (any(_stands_for(name, tool) for name in own) and _is_declared(call, tool))
    ]


def not_ready(
    call: AgentCall, offer: Offer | None, last_lines: Mapping[str, Sequence[str]]
) -> AgentNotReady | None:
    """Why the agent must not be listened to; `last_lines` are those of each server's stderr."""
    absent = missing(call, offer) if offer else []
    if offer is None or not absent:
        return None
    heard_from = set(map(mcp_server, offer.tools))
    silent = []
    for name in [server for server in reachable_servers(call) if server not in heard_from]:
        status = offer.servers.get(name, "unknown")
        why = "offers no tool" if status == "connected" else f"cannot be reached ({status})"
        lines = last_lines.get(name, ())
        last_words = f"; it said last: {' | '.join(lines)}" if lines else ""
        silent.append(f"the MCP server {name} {why}{last_words}")
    if silent:
        return AgentNotReady("mcp", one_line("; ".join(silent), 500), advice=ADVICE["mcp"])
    there = one_line(", ".join(offer.tools), _LONGEST_LIST) or "nothing"
    message = f"the agent is not offered {', '.join(absent)}; it is offered {there}"
    return AgentNotReady("tools", one_line(message, 1_000), advice=ADVICE["tools"])


def _stands_for(name: str, tool: str) -> bool:
    """Whether this name of a tool or a whole server means the tool that is offered."""
    return tool == name or (is_mcp(name) and tool.startswith(f"{name}__"))


def _is_declared(call: AgentCall, tool: str) -> bool:
    """Whether the server's settings declare the tool; those that declare none have them all."""
    name = mcp_server(tool)
    declared = call.mcp_servers.get(name, {}).get("tools")
    return not declared or tool in {f"mcp__{name}__{own}" for own in declared}
