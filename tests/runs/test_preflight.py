"""What the first call must fail at is refused before it, by the command line and the library."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import RUN, WRITING_PLAN, play
from maker import MemoryStore, run_task
from maker.app import Changes, resume
from maker.cli.main import main
from maker.core import events as e
from maker.core.models import PlanStep, TaskConfig
from maker.engine.preflight import require_usable
from maker.errors import ConfigError

SERVER = """
import json, sys
tools = [{"name": name, "inputSchema": {}} for name in TOOLS]
results = {"initialize": {"protocolVersion": "1"}, "tools/list": {"tools": tools}}
open("started", "a").write("x")
for line in sys.stdin:
    m = json.loads(line)
    if m["method"] in results:
        answer = {"jsonrpc": "2.0", "id": m["id"], "result": results[m["method"]]}
        print(json.dumps(answer), flush=True)
"""
DEAD = "import sys; sys.exit('no database here: hunter2-hunter2')"


def server(script: str, **more: Any) -> dict[str, Any]:
    return {"type": "stdio", "command": sys.executable, "args": ["-S", "-c", script], **more}


def serving(*tools: str, **more: Any) -> dict[str, Any]:
    return server(SERVER.replace("TOOLS", repr(list(tools))), **more)


def declared(*names: str) -> dict[str, Any]:
    return {name: {"effect": "read", "description": "x"} for name in names}


def naming(*tools: str) -> list[PlanStep]:
    fields: dict[str, Any] = {"task_type": "action_step", "title": "t", "task_description": "d"}
    return [PlanStep(step=0, primary_tools=list(tools), **fields)]


def config(folder: Path, **changes: Any) -> TaskConfig:
    return TaskConfig(**{"instruction": "Count.", "cwd": str(folder), **changes})


async def test_without_servers_and_grants_there_is_nothing_to_refuse(tmp_path: Path) -> None:
    await require_usable(config(tmp_path), {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web [id]"
    made.mkdir()
    return made


async def test_a_folder_that_may_be_written_must_be_one_that_can_be_confined(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    for cwd in (folder, link):
        with pytest.raises(ConfigError, match="kept inside") as refused:
            await require_usable(config(cwd, allow=["write"]), {})
        assert refused.value.field == "cwd"
        with pytest.raises(ConfigError, match="kept inside"):
            await require_usable(config(cwd), {}, naming("Edit"))
        await require_usable(config(cwd, allow=["bash"]), {})
        await require_usable(config(cwd, allow=["write"]), {}, naming("Read", "Bash"))
        await require_usable(config(cwd, allow=["write"], agent="simulated"), {})


async def test_a_server_that_can_be_used_is_let_through(tmp_path: Path) -> None:
    ok = serving("ping", "add.item", tools=declared("add_item"))
    await require_usable(config(tmp_path), {"s": ok})
    await require_usable(config(tmp_path), {"s": ok}, naming("mcp__s__ping", "mcp__s"))


async def test_a_server_that_cannot_start_is_refused_with_its_last_words(
    tmp_path: Path,
) -> None:
    environ = {"DB_PASSWORD": "hunter2-hunter2"}
    with pytest.raises(ConfigError) as refused:
        await require_usable(config(tmp_path), {"s": server(DEAD)}, environ=environ)
    assert "MCP server s cannot be used: it ended at `initialize`" in refused.value.message
    assert "no database here: [redacted:secret]" in refused.value.message
    assert (refused.value.exit_code, refused.value.field) == (2, "mcp_servers")


async def test_every_server_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    servers = {"a": server(DEAD), "b": {"type": "stdio", "command": "no-such-program"}}
    with pytest.raises(ConfigError, match=r"server a .*(\n.*)*server b cannot be used: it cannot"):
        await require_usable(config(tmp_path), servers)


@pytest.mark.parametrize(
    ("own", "steps", "message"),
    [
        (serving("ping", tools=declared("search")), None, "has no tool search; it has ping"),
        (serving("ping"), naming("mcp__s__pong"), "has no tool pong; it has ping"),
        (serving(), None, "offers no tools"),
    ],
)
async def test_a_tool_that_a_server_has_not_is_refused(
    tmp_path: Path, own: dict[str, Any], steps: list[PlanStep] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"MCP server s {message}"):
        await require_usable(config(tmp_path), {"s": own}, steps)


async def test_a_server_that_no_step_names_is_not_started(tmp_path: Path) -> None:
    servers = {"s": serving("ping"), "t": server(DEAD)}
    await require_usable(config(tmp_path), servers, naming("mcp__s__ping", "Read"))
    assert (tmp_path / "started").exists()
    await require_usable(config(tmp_path), {"t": server(DEAD)}, naming("Read"))
    await require_usable(config(tmp_path, agent="simulated"), servers)


async def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    own = server(DEAD, env={"KEY": "${NO_SUCH_VARIABLE}"})
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
        await require_usable(config(tmp_path), {"s": own})


async def test_the_limit_of_the_cli_counts_here_too(tmp_path: Path) -> None:
    hanging = server("import time; time.sleep(1_000_000)")
    with pytest.raises(ConfigError, match=r"did not answer `initialize` within 0\.3 s"):
        await require_usable(config(tmp_path), {"s": hanging}, environ={"MCP_TIMEOUT": "300"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listening = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


async def test_a_server_that_listens_is_reachable(tmp_path: Path, port: int) -> None:
    for scheme, kind in (("http", "http"), ("https", "sse")):
        own = {"type": kind, "url": f"{scheme}://127.0.0.1:{port}/mcp"}
        await require_usable(config(tmp_path), {"s": own}, environ={})


async def test_a_server_behind_a_proxy_is_reachable_where_the_proxy_is(
    tmp_path: Path, port: int
) -> None:
    own = {"type": "http", "url": "https://mcp.example.invalid/mcp"}
    for proxy in (f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"):
        await require_usable(config(tmp_path), {"s": own}, environ={"HTTPS_PROXY": proxy})
    near = {"type": "http", "url": f"http://127.0.0.1:{port}/mcp"}
    environ = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost,127.0.0.1"}
    await require_usable(config(tmp_path), {"s": near}, environ=environ)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://user:hunter2@127.0.0.1:1/mcp", r"127\.0\.0\.1:1 cannot be reached"),
        ("notes", "names no host"),
        ("http://127.0.0.1:99999999/", "its url cannot be reached"),
    ],
)
async def test_a_server_that_does_not_listen_is_refused(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        await require_usable(config(tmp_path), {"s": {"type": "http", "url": url}}, environ={})
    assert "hunter2" not in refused.value.message


async def test_a_library_caller_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    store = MemoryStore()
    task = config(tmp_path, mcp_servers={"s": server(DEAD)})
    with pytest.raises(ConfigError, match="MCP server s"):
        async for _ in run_task(task, store=store, run_id=RUN):
            pass
    with pytest.raises(Exception, match=RUN):
        await store.load(RUN)


async def test_a_resume_is_refused_and_leaves_the_run_as_it_was(folder: Path) -> None:
    first = await play(lambda call: WRITING_PLAN, config=config(folder, allow=[]))
    assert isinstance(first.events[-1], e.RunPaused)
    events = len(await first.records())
    session = await resume(RUN, Changes(options={"allow": ["write"]}), store=first.store)
    assert session is not None
    with pytest.raises(ConfigError, match="kept inside"):
        async for _ in session.run():
            pass
    assert len(await first.records()) == events


Refused = Callable[..., str]


@pytest.fixture
def refused(maker_home: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """What `maker run` says that refuses, and makes no run."""

    def run(*args: str) -> str:
        assert main(["run", "Count the files", *args]) == 2
        assert not (maker_home / "maker.db").exists()
        return capfd.readouterr().err

    return run


def test_the_command_line_says_which_servers_it_tries(refused: Refused, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"notes": server(DEAD)}}))
    err = refused("--mcp-config", str(file), "--cwd", str(tmp_path))
    assert "Trying MCP servers: notes" in err
    assert "Error: MCP server notes cannot be used: it ended at `initialize` (exit code 1)" in err
    assert "--mcp-config" in err


def test_the_command_line_refuses_a_folder_that_may_be_written(
    refused: Refused, folder: Path
) -> None:
    assert "web [id]" in refused("--yes", "--cwd", str(folder))
    plan = folder / "plan.yaml"
    plan.write_text(WRITING_PLAN)
    assert "web [id]" in refused("--plan", str(plan), "--cwd", str(folder))
