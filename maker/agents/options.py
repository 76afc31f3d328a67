"""What the SDK is told about one call: tools, rules, limits, thinking, environment.

Plain data; the SDK's own options object is built from it in `agent_runner.py`, and only there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from maker.core.config import EFFORTS
from maker.core.models import AgentCall
from maker.core.permissions import cli_permissions, offered, reachable_servers
from maker.errors import ConfigError
from maker.tools.mcp_config import expand, without_own

_LAST_LINES, _LAST_BYTES = 3, 4_000
_KEEP_STDERR = 'exec 2>>"$0"; exec "$@"'
MAX_ARGUMENT_BYTES = 100_000
"""Linux takes 128 KiB in one argument; what is longer goes through a file."""
PLANNING_THINKING_TOKENS = 8_000
CLOSED: dict[str, Any] = {
    "setting_sources": [],
    "strict_mcp_config": True,
    "permission_mode": "dontAsk",
    "verbatim_prompts": True,  # otherwise `@path` in quoted data would be read and inlined
    "extra_args": {"no-session-persistence": None},
    "max_buffer_size": 64 * 2**20,
}
"""The same for every call: nothing comes in but by the call, and nothing is left behind."""
QUIET = {
    "CLAUDE_CODE_MAX_RETRIES": "0",  # maker retries, and records it
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",  # would buy a broken reply a second time
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # would hold a finished step, then be killed
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",  # would tell the model its budget, turn by turn
    "DISABLE_AUTOUPDATER": "1",
    "ENABLE_TOOL_SEARCH": "false",  # newer models would be offered tools beside those of the step
    "CLAUDE_CODE_SIMPLE": "",  # would take tools away, as would the next
    "CLAUDE_CODE_COORDINATOR_MODE": "",
}
"""What the CLI's environment says whatever this process's says; "" is how a variable is unset."""
_FIXED_BUDGET = re.compile(r"claude-(opus|sonnet|haiku)-4(-[0-5])?(?!\d)(?!-\d{1,2}(?!\d))")
"""Versions 4.0 to 4.5, dated or not; later models decide for themselves how much they think."""


def sdk_options(
    call: AgentCall,
    *,
    live_servers: Mapping[str, Any],
    environ: Mapping[str, str],
    spill: Path,
) -> dict[str, Any]:
    """Keyword arguments for the SDK's options. Text too long for an argument goes below `spill`."""
    cwd = working_folder(call)
    folders = list(dict.fromkeys([cwd, os.path.realpath(cwd)]))
    rules = msgspec.json.encode(cli_permissions(call, folders)).decode()
    system = _as_argument(call.system_prompt, spill / "system.md")
    is_spilled = system is not call.system_prompt
    return {
        **CLOSED,
        **_chosen(call),
        "model": call.model or None,
        "system_prompt": {"type": "file", "path": system} if is_spilled else system,
        "tools": offered(call),
        "settings": _as_argument(rules, spill / "settings.json"),
        "mcp_servers": mcp_servers(call, live_servers, environ, spill),
        "cwd": cwd,
        "add_dirs": list(call.add_dirs),
        "max_turns": call.max_turns,
        "max_budget_usd": call.budget_usd,
        "env": {**QUIET, "API_TIMEOUT_MS": str(int(call.timeout_s * 1000)), **environ},
    }


def working_folder(call: AgentCall) -> str:
    """The absolute working folder of the call. Raises ConfigError where there is none."""
    cwd = os.path.normpath(Path(call.cwd or ".").absolute())
    if not Path(cwd).is_dir():
        raise ConfigError(
            f"the working folder {cwd} does not exist", field="cwd", advice="Name one with --cwd."
        )
    return cwd


def _as_argument(text: str, path: Path) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_ARGUMENT_BYTES:
        return text
    path.write_bytes(data)
    return str(path)


def mcp_servers(
    call: AgentCall, live_servers: Mapping[str, Any], environ: Mapping[str, str], spill: Path
) -> dict[str, Any]:
    """The servers that the call's tools name, references unresolved; all variables are set.

    The CLI resolves the references itself: resolved here, secrets would show in `ps`. It drops
    what a server says on its stderr, so that goes to a file below `spill`.
    """
    servers: dict[str, Any] = {}
    for name in reachable_servers(call):
        if name in live_servers:
            servers[name] = live_servers[name]
        elif name in call.mcp_servers:
            expand(call.mcp_servers[name], {**os.environ, **environ})
            own = without_own(call.mcp_servers[name])
            if "command" in own:
                argv = [own["command"], *own.get("args", [])]
                own["command"] = "/bin/sh"
                own["args"] = ["-c", _KEEP_STDERR, str(_stderr_of(spill, name)), *argv]
            servers[name] = own
        else:
            raise ConfigError(
                f"no MCP server {name!r} is registered",
                field="mcp_servers",
                advice="In-process servers must be registered again on every start.",
            )
    return servers


def server_stderr(spill: Path, name: str) -> list[str]:
    """The last lines that a server has said on its stderr."""
    try:
        end = _stderr_of(spill, name).read_bytes()[-_LAST_BYTES:]
    except FileNotFoundError:  # it is in-process, or elsewhere, or was not started
        return []
    lines = [line.strip() for line in end.decode("utf-8", "replace").splitlines()]
    return [line for line in lines if line][-_LAST_LINES:]


def _stderr_of(spill: Path, name: str) -> Path:
    return spill / f"{name}.stderr"


def _chosen(call: AgentCall) -> dict[str, Any]:
    if call.effort and call.effort not in EFFORTS:  # the CLI would ignore it without a word
        raise ConfigError(
            f"unknown effort {call.effort!r}",
            field="effort",
            advice=f"Use {', '.join(EFFORTS)}.",
        )
    chosen: dict[str, Any] = {"effort": call.effort} if call.effort else {}
    thinking = thinking_for(call)
    return chosen if thinking is None else {**chosen, "thinking": thinking}


def thinking_for(call: AgentCall) -> dict[str, Any] | None:
    """What is asked for: nothing (the model's own default), off, adaptive, or a budget.

    Models with a fixed budget are sent 31,999 tokens of it unless told otherwise: where the user
    chose nothing, a plan gets some and everything else none.
    """
    match call.thinking:
        case None if _FIXED_BUDGET.search(call.model):
            if call.role != "plan":
                return {"type": "disabled"}
            return {"type": "enabled", "budget_tokens": PLANNING_THINKING_TOKENS}
        case None:
            return None
        case "off":
            return {"type": "disabled"}
        case "adaptive":
            return {"type": "adaptive"}
        case budget if budget.isascii() and budget.isdigit() and int(budget) >= 1024:
            return {"type": "enabled", "budget_tokens": int(budget)}
        case other:
            raise ConfigError(
                f"unknown thinking {other!r}",
                field="thinking",
                advice="Use off, adaptive, or a number of tokens from 1024.",
            )
