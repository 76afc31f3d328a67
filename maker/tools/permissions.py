"""What one call's agent may use: the builtins it is offered, the servers it reaches, the rules.

Pure. The rules are the CLI's own (`Edit(//folder/**)`); the CLI resolves links and `..` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maker.core.models import AgentCall
from maker.errors import ConfigError
from maker.tools.effects import FETCH, is_mcp, mcp_server
from maker.tools.web import granted_hosts

_GRANT_FOR = {
    "Write": "write",
    "Edit": "write",
    "NotebookEdit": "write",
    "Bash": "bash",
    "WebSearch": "web",
}
_EDITORS = ("Write", "Edit", "NotebookEdit")
_READERS = ("Read", "Glob", "Grep")
_PATTERN = frozenset("*?[]{}\\\n\r")
"""Characters that would make a path in a rule stand for other paths too."""


def offered(call: AgentCall) -> list[str]:
    """The builtin tools that the agent sees: those of its step, less what was not granted.

    A tool that is offered is partly usable without any rule (Bash runs commands that only read),
    so what was not granted is not offered at all.
    """
    return [tool for tool in call.tools if not is_mcp(tool) and _is_granted(tool, call.grants)]


def _is_granted(tool: str, grants: Sequence[str]) -> bool:
    if tool == FETCH:
        return "web" in grants or bool(granted_hosts(grants))
    return tool not in _GRANT_FOR or _GRANT_FOR[tool] in grants


def reachable_servers(call: AgentCall) -> list[str]:
    """The MCP servers that some tool of the call names."""
    return list(dict.fromkeys(mcp_server(tool) for tool in call.tools if is_mcp(tool)))


def allow_rules(call: AgentCall, folders: Sequence[str]) -> list[str]:
    """The CLI's allow rules; `folders` are the names (as given, resolved) of the working folder."""
    tools = offered(call)
    rules = [tool for tool in tools if tool not in (*_EDITORS, *_READERS, FETCH)]
    if FETCH in tools:
        hosts = [f"{FETCH}(domain:{host})" for host in granted_hosts(call.grants)]
        rules += [FETCH] if "web" in call.grants else hosts
    if any(tool in _EDITORS for tool in tools):
        rules += [f"Edit(/{_exact(folder)}/**)" for folder in folders]
    if any(tool in _READERS for tool in tools):
        rules += [rule for path in call.literal_paths for rule in _read_rules(path)]
    return rules + [tool for tool in call.tools if is_mcp(tool)]


def settings(call: AgentCall, folders: Sequence[str]) -> dict[str, Any]:
    """The rules as the CLI's settings: unlike its --allowedTools, they may hold any character."""
    return {"permissions": {"allow": allow_rules(call, folders)}}


def _exact(folder: str) -> str:
    if not folder.startswith("/") or folder == "/" or _PATTERN & set(folder):
        raise ConfigError(
            f"no agent can be kept inside the working folder {folder!r}",
            field="cwd",
            advice="Use a folder below / whose path holds none of * ? [ ] { } \\",
        )
    return folder.rstrip("/")


def _read_rules(path: str) -> list[str]:
    """A literal path is a file or a folder; anything that is no plain path gets no rule."""
    plain = path.startswith("/") and path.strip("/") and path == path.strip()
    if not plain or _PATTERN & set(path) or ".." in path.split("/"):
        return []
    return [f"Read(/{path.rstrip('/')})", f"Read(/{path.rstrip('/')}/**)"]
