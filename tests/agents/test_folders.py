"""The hook before the file tools: which calls have one, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maker.agents.folders import Fence
from maker.core.models import AgentCall, CallKey


def call(tools: list[str], **changes: Any) -> AgentCall:
    return AgentCall(
        key=CallKey("step/0.0/0/0"),
        role="step",
        system_prompt="",
        prompt="",
        model="m",
        prompt_version="1",
        tools=tools,
        grants=["write"],
        **changes,
    )


async def why(fence: Fence, tool: str, **told: Any) -> str:
    said = await fence.before_tool({"tool_name": tool, "tool_input": told}, "t", None)
    decision = said.get("hookSpecificOutput", {})
    assert decision.get("permissionDecision", "deny") == "deny", "it allows nothing by itself"
    return str(decision.get("permissionDecisionReason", ""))


def test_only_calls_with_file_tools_have_the_hook(tmp_path: Path) -> None:
    for tools in ([], ["Bash"], ["WebFetch", "mcp__s__Read"]):
        assert Fence(call(tools), str(tmp_path), {}).hooks() == []
    (hook,) = Fence(call(["Read", "Write", "WebFetch"]), str(tmp_path), {}).hooks()
    assert hook["matcher"] == "Read|Write"


async def test_reading_goes_further_than_writing(tmp_path: Path) -> None:
    for name in ("work", "docs", "data", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "docs")
    asked = call(
        ["Read", "Write"],
        add_dirs=[str(tmp_path / "linked")],
        literal_paths=[str(tmp_path / "data")],
    )
    fence = Fence(asked, str(tmp_path / "work"), {"HOME": str(tmp_path)})
    for path in ("x", "../docs/x", "../linked/x", "../data/x", "~/work/x"):
        assert await why(fence, "Read", file_path=path) == ""
        assert bool(await why(fence, "Write", file_path=path)) == (
            "work" not in path and path != "x"
        )
    assert str(tmp_path / "docs") in await why(fence, "Read", file_path="../other/x")


async def test_a_tool_that_is_none_of_the_calls_is_left_to_the_cli(tmp_path: Path) -> None:
    fence = Fence(call(["Read"]), str(tmp_path), {})
    assert await why(fence, "mcp__s__Read", file_path="/etc/passwd") == ""


async def test_only_what_the_cli_put_aside_may_be_read_beside_the_transcript(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "projects" / "x"
    event = {"tool_name": "Read", "transcript_path": str(folder / "s.jsonl")}
    fence = Fence(call(["Read", "Write"]), str(tmp_path / "work"), {})

    async def is_refused(tool: str, path: Path) -> bool:
        asked = event | {"tool_name": tool, "tool_input": {"file_path": str(path)}}
        return bool(await fence.before_tool(asked, "t", None))

    assert not await is_refused("Read", folder / "a" / "tool-results" / "b.txt")
    assert await is_refused("Write", folder / "a" / "tool-results" / "b.txt")
    for path in ("s.jsonl", "a/b.txt", "a/b/tool-results/c", "a/tool-results/../../../secret"):
        assert await is_refused("Read", folder / path), path


@pytest.mark.parametrize("told", [{}, {"file_path": None}, {"file_path": 3}])
async def test_what_cannot_be_understood_is_refused(tmp_path: Path, told: dict[str, Any]) -> None:
    assert await why(Fence(call(["Write"]), str(tmp_path), {}), "Write", **told)
