"""Tools are really there, or nothing is taken for an answer."""

from __future__ import annotations

from typing import Any

import pytest

from maker.agents.offers import (
    Offer,
    missing,
    not_ready,
    offer_of,
    unnamed,
)
from maker.core.models import AgentCall, CallKey
from maker.errors import AgentNotReady


def call(*tools: str, **changes: Any) -> AgentCall:
    return AgentCall(
        key=CallKey("step/0.0/0/0"),
        role="step",
        system_prompt="",
        prompt="",
        model="m",
        prompt_version="1",
        tools=list(tools),
        grants=["write", "bash"],
        **changes,
    )


def offer(*tools: str, **servers: str) -> Offer:
    return Offer(tools=tools, servers=servers)


def refusal(asked: AgentCall, found: Offer, **last_lines: list[str]) -> AgentNotReady:
    refused = not_ready(asked, found, last_lines)
    assert refused is not None
    return refused


def test_what_is_offered_is_enough() -> None:
    assert not_ready(call(), offer(), {}) is None
    assert not_ready(call("Read", "Write"), offer("Write", "Read", "Bash"), {}) is None
    assert not_ready(call("mcp__s__ping"), offer("mcp__s__ping", s="connected"), {}) is None
    assert not_ready(call("mcp__s"), offer("mcp__s__ping", s="connected"), {}) is None


def test_a_tool_that_was_not_granted_is_not_waited_for() -> None:
    asked = AgentCall(**{**_fields(call("Write", "Read")), "grants": []})
    assert missing(asked, offer("Read")) == []


def _fields(asked: AgentCall) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in asked.__struct_fields__}


def test_a_builtin_that_is_taken_away_is_named_with_what_is_offered() -> None:
    refused = refusal(call("Read", "Write"), offer("Read"))
    assert refused.kind == "tools"
    assert "not offered Write; it is offered Read" in refused.message
    assert refused.advice
    assert "it is offered nothing" in refusal(call("Write"), offer()).message


def test_a_tool_that_its_server_does_not_have_is_named_with_those_that_it_has() -> None:
    refused = refusal(call("mcp__s__search"), offer("mcp__s__ping", s="connected"))
    assert refused.kind == "tools"
    assert "mcp__s__search" in refused.message
    assert "mcp__s__ping" in refused.message


@pytest.mark.parametrize("status", ["failed", "needs-auth", "disabled", "pending"])
def test_a_server_that_cannot_be_reached_is_named_with_its_last_words(status: str) -> None:
    refused = refusal(call("mcp__s"), offer("Read", s=status), s=["starting", "no such database"])
    assert refused.kind == "mcp"
    assert f"server s cannot be reached ({status})" in refused.message
    assert refused.message.endswith("starting | no such database")


def test_a_server_that_offers_nothing_has_died_since_it_was_reached() -> None:
    refused = refusal(call("mcp__s__ping"), offer(s="connected"))
    assert refused.kind == "mcp"
    assert "server s offers no tool" in refused.message


def test_a_name_that_begins_like_a_server_is_none_of_its_tools() -> None:
    assert missing(call("mcp__s"), offer("mcp__st__ping")) == ["mcp__s"]
    assert missing(call("Read"), offer("Read__x")) == ["Read"]


def test_tools_that_the_call_does_not_name_are_not_for_it() -> None:
    found = offer("Read", "mcp__s__ping", "mcp__s__erase", "mcp__other__x")
    assert unnamed(call("mcp__s__ping"), found) == ["mcp__s__erase"]
    assert unnamed(call("mcp__s"), found) == []
    assert unnamed(call("Read"), found) == []


def test_tools_that_the_user_did_not_declare_are_not_for_the_call_either() -> None:
    servers = {"s": {"command": "s", "tools": {"ping": {"effect": "read"}}}}
    found = offer("mcp__s__ping", "mcp__s__erase")
    assert unnamed(call("mcp__s", mcp_servers=servers), found) == ["mcp__s__erase"]
    assert unnamed(call("mcp__s__erase", mcp_servers=servers), found) == [
        "mcp__s__ping",
        "mcp__s__erase",
    ]


@pytest.mark.parametrize("data", [None, "x", {}, {"tools": None}, {"tools": "Read"}])
def test_a_first_message_that_does_not_say_is_no_offer(data: Any) -> None:
    assert offer_of(data) is None
    assert not_ready(call("Read"), None, {}) is None


def test_an_offer_is_read_by_its_types() -> None:
    servers = [{"name": "s", "status": "failed"}, "x", {"name": 3}]
    found = offer_of({"tools": ["Read", 4], "mcp_servers": servers})
    assert found == Offer(tools=("Read",), servers={"s": "failed", "": ""})
