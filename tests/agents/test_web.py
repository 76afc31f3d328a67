"""The gate before WebFetch, without the CLI."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from maker.agents.web import WebGate
from maker.core.models import AgentCall, CallKey

CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="",
    prompt="",
    model="claude-sonnet-5-5",
    prompt_version="1",
    tools=["WebFetch", "Read"],
    grants=["web:sqlite.org"],
)


async def decided(told: dict[str, Any], tool: str = "WebFetch") -> str:
    event = {"tool_name": tool, "tool_input": told}
    given = await WebGate(CALL).before_tool(event, None, None)
    output = given.get("hookSpecificOutput", {})
    return output.get("permissionDecisionReason", "") if output else ""


async def test_the_gate_has_no_opinion_on_what_may_be_fetched_or_is_no_fetch() -> None:
    assert await decided({"url": "https://www.sqlite.org/x"}) == ""
    assert await decided({"file_path": "/etc/hosts"}, tool="Read") == ""


@pytest.mark.parametrize("told", [{"url": "https://docs.python.org/3/"}, {"url": 7}, {}])
async def test_all_else_is_refused_with_what_may_be_fetched(told: dict[str, Any]) -> None:
    assert "It may fetch pages of: sqlite.org, www.sqlite.org." in await decided(told)


def test_there_is_no_gate_where_nothing_can_be_fetched() -> None:
    assert [hook["matcher"] for hook in WebGate(CALL).hooks()] == ["WebFetch"]
    assert WebGate(msgspec.structs.replace(CALL, grants=["write"])).hooks() == []
    assert WebGate(msgspec.structs.replace(CALL, tools=["Read"])).hooks() == []
