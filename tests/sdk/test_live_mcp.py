"""MCP servers really reach the agent, through the real SDK and the real CLI."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopback import Answer, Reply, Request, tool_results, tools_offered, use
from maker.agents.runner import AgentRunner
from maker.errors import AgentNotReady, ConfigError
from maker.tools.registry import ToolRegistry

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

SERVER = """
import os
from mcp.server.mcpserver import MCPServer

server = MCPServer("notes")


@server.tool()
def secret() -> str:
    return "told: " + os.environ["NOTES_TOKEN"]


@server.tool()
def erase() -> str:
    return "erased"


server.run()
"""


def registry(folder: Path) -> ToolRegistry:
    script = folder / "server.py"
    script.write_text(SERVER)
    tools = ToolRegistry()
    config = {
        "command": sys.executable,
        "args": [str(script)],
        "env": {"NOTES_TOKEN": "Bearer ${TOKEN_OF_THE_TEST}"},
    }
    tools.register_mcp("notes", config, tools={"secret": {"effect": "read"}})
    return tools


def uses(*names: str) -> Callable[[Request], Answer]:
    def script(request: Request) -> Answer:
        return " ".join(tool_results(request)) or Reply([use(name) for name in names])

    return script


async def test_a_stdio_server_is_reached_and_only_its_named_tool_is_offered(live: Live) -> None:
    tools = registry(live.folder)
    api = live.api(uses("mcp__notes__secret", "mcp__notes__erase"))
    call = live.call(tools=["mcp__notes__secret"], effect="read", mcp_servers=tools.mcp_servers)
    reply = await live.runner(api, {"TOKEN_OF_THE_TEST": "t0p"}).ask(call)
    assert {*map(tuple, map(tools_offered, api.requests))} == {("mcp__notes__secret",)}
    assert "told: Bearer t0p" in reply.text
    assert "No such tool available: mcp__notes__erase" in reply.text
    assert reply.denied == ()


async def test_an_in_process_server_is_reached(live: Live) -> None:
    from claude_agent_sdk import create_sdk_mcp_server, tool

    asked = []

    @tool("add", "Adds two numbers", {"a": int, "b": int})
    async def add(arguments: dict[str, Any]) -> dict[str, Any]:
        asked.append(arguments)
        total = arguments["a"] + arguments["b"]
        return {"content": [{"type": "text", "text": f"sum {total}"}]}

    tools = ToolRegistry()
    tools.register_mcp("calc", create_sdk_mcp_server("calc", tools=[add]))

    def script(request: Request) -> Answer:
        return " ".join(tool_results(request)) or Reply([use("mcp__calc__add", a=2, b=40)])

    runner = live.runner(live.api(script), live_servers=tools.live_servers)
    reply = await runner.ask(live.call(tools=["mcp__calc"], effect="external"))
    assert "sum 42" in reply.text
    assert (reply.denied, asked) == ((), [{"a": 2, "b": 40}])


async def test_a_server_that_no_tool_of_the_step_names_is_not_started(live: Live) -> None:
    broken = {"notes": {"type": "stdio", "command": "false"}}
    api = live.api(lambda request: "ok")
    reply = await live.runner(api).ask(live.call(mcp_servers=broken))
    assert reply.text == "ok"


async def test_a_server_that_does_not_start_stops_the_call_and_is_named(live: Live) -> None:
    broken = {"notes": {"type": "stdio", "command": "false"}}
    runner = live.runner(live.api(lambda request: "an answer without the tool"))
    with pytest.raises(AgentNotReady, match="notes") as caught:
        await runner.ask(live.call(tools=["mcp__notes"], mcp_servers=broken))
    assert caught.value.kind == "mcp"


TROUBLED = """
import json, os, signal, sys, time

signal.signal(signal.SIGINT, signal.SIG_DFL)
print("opening the notes", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    result = {"tools": [{"name": "ping", "inputSchema": {"type": "object"}}]}
    if message["method"] == "initialize":
        if sys.argv[1] == "hangs":
            time.sleep(600)
        version = message["params"]["protocolVersion"]
        server = {"name": "notes", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if message["method"] == "tools/list" and sys.argv[1] == "dies":
        print("the notes are gone", file=sys.stderr, flush=True)
        os._exit(3)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


@pytest.mark.parametrize(
    ("trouble", "tool", "kind", "words"),
    [
        ("hangs", "mcp__notes", "mcp", "opening the notes"),
        ("dies", "mcp__notes__ping", "mcp", "opening the notes | the notes are gone"),
        ("lacks", "mcp__notes__search", "tools", "mcp__notes__search; it is offered mcp__notes__p"),
    ],
)
async def test_a_server_without_the_tools_of_the_step_stops_it_before_anything_is_bought(
    live: Live, trouble: str, tool: str, kind: str, words: str
) -> None:
    script = live.folder / "server.py"
    script.write_text(TROUBLED)
    server = {"type": "stdio", "command": sys.executable, "args": [str(script), trouble]}
    api = live.api(lambda request: "an answer without the tool")
    runner = live.runner(api, {"MCP_TIMEOUT": "2000"})
    calls = [live.call(tools=[tool], mcp_servers={"notes": server}) for _ in range(2)]
    for refused in await asyncio.gather(*map(runner.ask, calls), return_exceptions=True):
        assert isinstance(refused, AgentNotReady)
        assert (refused.kind, words in refused.message) == (kind, True), refused.message
    assert api.requests == []


async def test_a_builtin_that_a_policy_takes_away_stops_the_step(live: Live) -> None:
    api = live.api(lambda request: "an answer without the tool")
    runner = live.runner(api, {"CLAUDE_CODE_DISABLE_WEB_FETCH": "1"})
    with pytest.raises(AgentNotReady, match="not offered WebFetch; it is offered Read") as caught:
        await runner.ask(live.call(tools=["Read", "WebFetch"], effect="web", grants=["web"]))
    assert caught.value.kind == "tools"


async def test_a_variable_or_a_server_that_is_missing_is_named_before_anything_starts(
    tmp_path: Path, live: Live
) -> None:
    servers = registry(tmp_path).mcp_servers
    with pytest.raises(ConfigError, match="TOKEN_OF_THE_TEST"):
        await AgentRunner().ask(live.call(tools=["mcp__notes__secret"], mcp_servers=servers))
    with pytest.raises(ConfigError, match="'calc'"):
        await AgentRunner().ask(live.call(tools=["mcp__calc"]))
