"""What one call's agent may use: the builtins it is offered, the servers it reaches, the rules.

Pure. The rules are the CLI's own (`Edit(//folder/**)`); the CLI resolves links and `..` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from maker.core.effects import FETCH, is_mcp, mcp_server
from maker.core.models import AgentCall
from maker.core.web import granted_hosts
from maker.errors import ConfigError

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
_TRIMMED = re.compile(r"[\s\ufeff](?=/|$)")
"""A blank that the CLI takes away at the end of a name: its rule would stand for another path."""


def offered(call: AgentCall) -> list[str]:
    """The builtin tools that the agent sees: those of its step, less what was not granted.

    A tool that is offered is partly usable without any rule (Bash runs commands that only read),
    so what was not granted is not offered at all.
    """
    builtins = [tool for tool in call.tools if not is_mcp(tool)]
    ungranted = {tool for tool, grant in _GRANT_FOR.items() if grant not in call.grants}
    if "web" not in call.grants and not granted_hosts(call.grants):
        ungranted.add(FETCH)
    return [tool for tool in builtins if tool not in ungranted]


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
    if edits_files(tools):
        for folder in folders:
            if not can_confine(folder):
                raise cannot_confine(folder)
            rules.append(f"Edit(/{folder.rstrip('/')}/**)")
    if any(tool in _READERS for tool in tools):
        for path in call.literal_paths:  # what is no plain path gets no rule
            if can_confine(path) and ".." not in path.split("/"):
                file_or_folder = path.rstrip("/")
                rules += [f"Read(/{file_or_folder})", f"Read(/{file_or_folder}/**)"]
    return rules + [tool for tool in call.tools if is_mcp(tool)]


def cli_permissions(call: AgentCall, folders: Sequence[str]) -> dict[str, Any]:
    """The rules as the CLI's settings: unlike its --allowedTools, they may hold any character."""
    return {"permissions": {"allow": allow_rules(call, folders)}}


def edits_files(tools: Iterable[str]) -> bool:
    """Whether an agent with these tools must be kept inside its working folder."""
    return any(tool in _EDITORS for tool in tools)


def can_confine(folder: str) -> bool:
    """Whether a rule can say of this working folder, and of no other, that it may be changed."""
    is_exact = not _PATTERN & set(folder) and not _TRIMMED.search(folder)
    return folder.startswith("/") and folder.strip("/") != "" and is_exact


def cannot_confine(folder: str) -> ConfigError:
    """Why nothing may be written in this folder, and what to do."""
    return ConfigError(
        f"no agent that writes can be kept inside the working folder {folder!r}",
        field="cwd",
        advice="Use a folder below / with none of * ? [ ] { } \\ in its path and no blank at the "
        "end of a name (--cwd).",
    )
