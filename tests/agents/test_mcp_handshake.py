"""A server is started, asked for its tools, and ended, whatever it does."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from maker_process import until

from maker.agents import processes
from maker.agents.mcp_handshake import ServerUnusable, offered_tools

SERVER = """
import json, os, signal, subprocess, sys, time
def answer(message, **fields):
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **fields}), flush=True)
def initialized(message):
    answer(message, result={"protocolVersion": "1", "capabilities": {}, "serverInfo": {}})
def tool(name):
    return {"name": name, "inputSchema": {}}
BEFORE
for line in sys.stdin:
    m = json.loads(line)
    if m["method"] == "initialize":
        INITIALIZE
    elif m["method"] == "tools/list":
        LIST
AFTER
"""
READY, NAMED = "initialized(m)", 'answer(m, result={"tools": [tool("ping"), tool("add.item")]})'
CURSOR = '"nextCursor": "2"} if "cursor" not in m.get("params", {}) else {"tools": [tool("b")]'
FOREVER = "time.sleep(1_000_000)"


async def tools(
    folder: Path,
    *,
    before: str = "",
    initialize: str = READY,
    listing: str = NAMED,
    after: str = "",
    limit_s: float = 30.0,
) -> list[str]:
    script = folder / "server.py"
    parts = {"BEFORE": before, "INITIALIZE": initialize, "LIST": listing, "AFTER": after}
    text = SERVER
    for name, part in parts.items():
        text = text.replace(name, part)
    script.write_text(text)
    config = {"command": sys.executable, "args": ["-S", "-E", str(script)], "env": {"OWN": "1"}}
    return await offered_tools(config, cwd=str(folder), environ=dict(os.environ), limit_s=limit_s)


def left_behind() -> list[int]:
    return [p.pid for p in processes.marked() if p.started_by == os.getpid()]


async def test_the_tools_that_a_server_offers_are_named(tmp_path: Path) -> None:
    assert await tools(tmp_path) == ["ping", "add.item"]
    assert left_behind() == []


async def test_a_list_in_pages_is_read_to_its_end(tmp_path: Path) -> None:
    listing = 'answer(m, result={"tools": [tool("a")], ' + CURSOR + "})"
    assert await tools(tmp_path, listing=listing) == ["a", "b"]


async def test_a_list_that_never_ends_is_left(tmp_path: Path) -> None:
    listing = 'answer(m, result={"tools": [tool("a")], "nextCursor": "again"})'
    assert set(await tools(tmp_path, listing=listing)) == {"a"}


async def test_what_else_a_server_prints_is_passed_over(tmp_path: Path) -> None:
    noise = 'print("Listening ...\\n[1]\\n{\\"id\\": 9}\\n" + "[" * 100_000, flush=True)'
    assert await tools(tmp_path, before=noise) == ["ping", "add.item"]


async def test_a_long_list_on_one_line_is_read(tmp_path: Path) -> None:
    listing = 'answer(m, result={"tools": [tool("x" * 500 + str(n)) for n in range(2_000)]})'
    assert len(await tools(tmp_path, listing=listing)) == 2_000


async def test_a_server_runs_in_the_working_folder_with_its_variables(tmp_path: Path) -> None:
    listing = 'answer(m, result={"tools": [tool(os.getcwd()), tool(os.environ["OWN"])]})'
    assert await tools(tmp_path, listing=listing) == [str(tmp_path), "1"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"before": 'sys.exit("no database\\nat all")'},
            "ended at `initialize` (exit code 1)\n  no database\n  at all",
        ),
        ({"listing": "os._exit(3)"}, "ended at `tools/list` (exit code 3)"),
        ({"initialize": "os.kill(os.getpid(), 9)"}, "ended at `initialize` (exit code -9)"),
        (
            {"initialize": 'answer(m, error={"code": -1, "message": "who are you?"})'},
            "who are you?",
        ),
        ({"listing": 'answer(m, error={"code": -32601, "message": "none"})'}, "`tools/list`"),
        ({"before": 'sys.stdout.write("x" * 17_000_000); sys.stdout.flush()'}, "longer than any"),
    ],
)
async def test_a_server_that_fails_is_described_with_its_last_words(
    tmp_path: Path, parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServerUnusable) as failed:
        await tools(tmp_path, **parts)
    assert message in str(failed.value)
    assert left_behind() == []


@pytest.mark.parametrize(
    "parts",
    [
        {"before": FOREVER},
        {"listing": FOREVER},
        {"before": "signal.signal(15, signal.SIG_IGN)", "initialize": FOREVER},
        {"before": "while True: print('{}', flush=True)"},
        {"before": "while True: os.write(2, os.urandom(4096))"},
    ],
)
async def test_a_server_that_never_answers_is_named_and_ended(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    with pytest.raises(ServerUnusable, match=r"did not answer `.*` within 0\.5 s"):
        await tools(tmp_path, **parts, limit_s=0.5)
    assert left_behind() == []


async def test_binary_words_are_made_harmless(tmp_path: Path) -> None:
    before = 'os.write(2, b"\\x1b[2J\\xff\\x00bad\\x07\\n" * 5 + b"x" * 100_000); sys.exit(1)'
    with pytest.raises(ServerUnusable) as failed:
        await tools(tmp_path, before=before)
    assert all(line.isprintable() for line in str(failed.value).splitlines())
    assert len(str(failed.value)) < 2_500


async def test_a_server_that_is_told_to_end_can_still_clean_up(tmp_path: Path) -> None:
    ending = "lambda *_: (open('cleaned', 'w').close(), os._exit(0))"
    before = f"signal.signal(signal.SIGTERM, {ending})"
    await tools(tmp_path, before=before, after=FOREVER)
    assert (tmp_path / "cleaned").exists()


async def test_whoever_stops_waiting_leaves_no_server_behind(tmp_path: Path) -> None:
    before = "open('started', 'w').close(); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    waiting = asyncio.create_task(tools(tmp_path, before=before, initialize=FOREVER))
    await asyncio.to_thread(until, (tmp_path / "started").exists, "the server runs")
    waiting.cancel()
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert left_behind() == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize("parts", [{}, {"listing": "os._exit(3)"}])
async def test_what_a_server_left_running_is_ended_with_it(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    """A child in a session of its own, which holds the server's streams open."""
    command = f'[sys.executable, "-S", "-c", "import time; {FOREVER}"]'
    child = f"subprocess.Popen({command}, start_new_session=True)"
    if parts:
        with pytest.raises(ServerUnusable, match="exit code 3"):
            await tools(tmp_path, before=child, **parts)
    else:
        assert await tools(tmp_path, before=child)
    assert left_behind() == []


@pytest.mark.parametrize(
    "config",
    [{"command": "no-such-program"}, {"command": "/"}, {"command": "a\0b"}, {"command": "true"}],
)
async def test_what_is_no_server_cannot_be_started(tmp_path: Path, config: dict[str, str]) -> None:
    with pytest.raises(ServerUnusable, match=r"cannot be started|ended"):
        await offered_tools(config, cwd=str(tmp_path), environ=dict(os.environ))
