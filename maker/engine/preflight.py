"""What the first call would fail at is refused before it: an unusable folder, a dead MCP server.

Nobody is asked and nothing is recorded. An agent without tools neither writes nor starts a server.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from maker.agents.mcp_handshake import LIMIT_S, ServerUnusable, offered_tools
from maker.core.effects import mcp_server, offered_name
from maker.core.kinds import kind_of
from maker.core.models import PlanStep, TaskConfig
from maker.core.permissions import can_confine, cannot_confine, edits_files
from maker.core.redaction import Redactor
from maker.core.secret_names import environment_secrets
from maker.errors import ConfigError
from maker.tools.mcp_config import expand

_CONNECT_S = 10.0
_PORTS = {"http": 80, "https": 443}

Servers = Mapping[str, Mapping[str, Any]]


def servers_needed(
    config: TaskConfig, servers: Servers, steps: Sequence[PlanStep] | None
) -> dict[str, Mapping[str, Any]]:
    """The servers that a session may start: those that its steps name, or all without a plan."""
    if not kind_of(config.agent).uses_tools:
        return {}
    named = None if steps is None else {mcp_server(tool) for tool in _tools(steps)}
    return {name: own for name, own in servers.items() if named is None or name in named}


async def require_usable(
    config: TaskConfig,
    servers: Servers,
    steps: Sequence[PlanStep] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Raise ConfigError for what these settings must fail at; `steps` are those to be done.

    Without steps, because there is no plan yet, the settings alone must make it plain.
    """
    _require_confined(config, steps)
    needed = servers_needed(config, servers, steps)
    cwd = config.cwd or None
    tried = (_problem(name, own, steps or [], cwd, environ) for name, own in needed.items())
    problems = [problem for problem in await asyncio.gather(*tried) if problem]
    if problems:
        raise ConfigError(
            "\n".join(problems),
            field="mcp_servers",
            advice="Mend the server or its settings (--mcp-config), or leave it out; nothing was "
            "bought.",
        )


def _require_confined(config: TaskConfig, steps: Sequence[PlanStep] | None) -> None:
    will_write = "write" in config.allow if steps is None else edits_files(_tools(steps))
    if not will_write or not kind_of(config.agent).uses_tools:
        return
    given = Path(config.cwd or ".")
    for folder in (given.absolute(), given.resolve()):
        if not can_confine(str(folder)):
            raise cannot_confine(str(folder))


def _tools(steps: Sequence[PlanStep]) -> list[str]:
    return [tool for step in steps for tool in [*step.primary_tools, *step.fallback_tools]]


async def _problem(
    name: str,
    server: Mapping[str, Any],
    steps: Sequence[PlanStep],
    cwd: str | None,
    environ: Mapping[str, str],
) -> str:
    """Why the server is of no use to these steps; empty where nothing speaks against it."""
    resolved = expand(server, environ)
    try:
        if resolved["type"] != "stdio":
            await _reach(resolved["url"], environ)
            return ""
        milliseconds = environ.get("MCP_TIMEOUT", "")  # where the CLI takes its own limit from
        has_limit = milliseconds.isascii() and milliseconds.isdigit() and int(milliseconds) > 0
        limit_s = int(milliseconds) / 1000 if has_limit else LIMIT_S
        found = await offered_tools(resolved, cwd=cwd, environ=environ, limit_s=limit_s)
    except ServerUnusable as why:
        secrets = environment_secrets(environ, lambda value: False)
        return f"MCP server {name} cannot be used: {Redactor(secrets).redact(str(why))}"
    offered = sorted({offered_name(tool) for tool in found})
    prefix = f"mcp__{name}__"
    planned = {t.removeprefix(prefix) for t in _tools(steps) if t.startswith(prefix)}
    missing = sorted({*server.get("tools", {}), *planned} - {*offered})
    if not offered:
        return f"MCP server {name} offers no tools"
    if missing:
        return f"MCP server {name} has no tool {', '.join(missing)}; it has {', '.join(offered)}"
    return ""


async def _reach(url: str, environ: Mapping[str, str]) -> None:
    """Connect to the server's address, or to the proxy that stands before it."""
    place = "its url"
    try:
        parts = urlsplit(_by_way_of(url, environ))
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
        if not host or not port:
            raise ServerUnusable("its url names no host that can be reached")
        place = f"{host}:{port}"  # the whole url may hold a secret
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise ServerUnusable(f"{place} did not answer within {_CONNECT_S:g} s") from None
    except (OSError, ValueError) as error:
        raise ServerUnusable(f"{place} cannot be reached: {error}") from error
    writer.close()


def _by_way_of(url: str, environ: Mapping[str, str]) -> str:
    """The address that is really connected to: a proxy's where the variables name one."""
    proxies = {
        name.lower().removesuffix("_proxy"): value
        for name, value in environ.items()
        if name.lower().endswith("_proxy") and value
    }
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme, "")
    hidden = [name.strip().lstrip(".") for name in proxies.get("no", "").split(",")]
    host = parts.hostname or ""
    if not proxy or "*" in hidden or any(host == n or host.endswith(f".{n}") for n in hidden if n):
        return url
    return proxy if "://" in proxy else f"http://{proxy}"
