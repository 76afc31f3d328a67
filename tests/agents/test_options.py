"""What the SDK is told about a call, without the SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maker.agents.options import sdk_options, server_stderr, thinking_for
from maker.agents.runner import AgentRunner
from maker.core.models import AgentCall, CallKey
from maker.errors import ConfigError

CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="Be terse.",
    prompt="2 + 2?",
    model="claude-sonnet-4-5",
    prompt_version="1",
    timeout_s=2.5,
)


def options(spill: Path, environ: Any = None, live: Any = None, **changes: Any) -> dict[str, Any]:
    call = msgspec.structs.replace(CALL, cwd=changes.pop("cwd", str(spill)), **changes)
    return sdk_options(call, live_servers=live or {}, environ=environ or {}, spill=spill)


def rules(told: dict[str, Any]) -> list[str]:
    allowed: list[str] = json.loads(told["settings"])["permissions"]["allow"]
    return allowed


def test_every_call_is_closed_to_settings_questions_and_history(tmp_path: Path) -> None:
    told = options(tmp_path)
    assert told["setting_sources"] == []
    assert told["strict_mcp_config"] is True
    assert told["permission_mode"] == "dontAsk"
    assert told["verbatim_prompts"] is True
    assert told["extra_args"] == {"no-session-persistence": None}
    assert (told["tools"], rules(told), told["mcp_servers"]) == ([], [], {})


def test_the_cli_neither_retries_nor_outlives_the_deadline(tmp_path: Path) -> None:
    told = options(tmp_path, environ={"MORE": "1"})
    assert told["env"]["CLAUDE_CODE_MAX_RETRIES"] == "0"
    assert told["env"]["API_TIMEOUT_MS"] == "2500"
    assert told["env"]["MORE"] == "1"


def test_nothing_in_this_process_takes_tools_away_or_lets_the_agent_leave_work_behind(
    tmp_path: Path,
) -> None:
    told = options(tmp_path)["env"]
    assert told["CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"] == "1"
    assert told["CLAUDE_CODE_SIMPLE"] == told["CLAUDE_CODE_COORDINATOR_MODE"] == ""


def test_a_share_of_the_cap_is_the_clis_budget(tmp_path: Path) -> None:
    assert options(tmp_path)["max_budget_usd"] is None
    assert options(tmp_path, budget_usd=0.25)["max_budget_usd"] == 0.25


def test_only_granted_tools_are_offered_and_only_in_their_scope(tmp_path: Path) -> None:
    tools = ["Read", "Write", "Bash", "WebFetch", "mcp__docs__search"]
    servers = {"docs": {"type": "stdio", "command": "docs"}}
    told = options(tmp_path, tools=tools, mcp_servers=servers)
    assert told["tools"] == ["Read"]
    assert rules(told) == ["mcp__docs__search"]
    told = options(tmp_path, tools=tools, mcp_servers=servers, grants=["write", "bash", "web"])
    assert told["tools"] == ["Read", "Write", "Bash", "WebFetch"]
    inside = f"Edit(/{tmp_path}/**)"
    assert rules(told) == ["Bash", "WebFetch", inside, "mcp__docs__search"]


def test_the_web_is_reached_only_where_it_was_granted(tmp_path: Path) -> None:
    tools = ["WebFetch", "WebSearch"]
    one = options(tmp_path, tools=tools, grants=["web:sqlite.org", "web:*.python.org"])
    assert one["tools"] == ["WebFetch"]
    assert rules(one) == [
        "WebFetch(domain:*.python.org)",
        "WebFetch(domain:python.org)",
        "WebFetch(domain:sqlite.org)",
        "WebFetch(domain:www.sqlite.org)",
    ]
    everything = options(tmp_path, tools=tools, grants=["web:sqlite.org", "web"])
    assert (everything["tools"], sorted(rules(everything))) == (tools, tools)
    assert options(tmp_path, tools=tools, grants=["write", "bash", "external"])["tools"] == []


def test_a_literal_path_may_be_read_unless_it_could_stand_for_others(tmp_path: Path) -> None:
    paths = ["/a/b.txt", "/a/*", "/a/[b]", "a/b", "/", "/a/../b", "/a ", "/a/b\n", "/c/"]
    assert rules(options(tmp_path, tools=["Read"], literal_paths=paths)) == [
        "Read(//a/b.txt)",
        "Read(//a/b.txt/**)",
        "Read(//c)",
        "Read(//c/**)",
    ]
    assert rules(options(tmp_path, tools=["Grep", "Bash"], literal_paths=paths[:1])) == [
        "Read(//a/b.txt)",
        "Read(//a/b.txt/**)",
    ]
    assert rules(options(tmp_path, tools=["Write"], literal_paths=paths)) == []


def test_a_folder_whose_name_is_a_pattern_cannot_be_written_to(tmp_path: Path) -> None:
    for name in ("a*b", "a[b]c", "{x}", "a\\b", "a ", "a /b", "a\N{NO-BREAK SPACE}"):
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        assert options(tmp_path, cwd=str(folder), tools=["Read"])["tools"] == ["Read"]
        with pytest.raises(ConfigError, match="kept inside"):
            options(tmp_path, cwd=str(folder), tools=["Edit"], grants=["write"])
    with pytest.raises(ConfigError):
        options(tmp_path, cwd="/", tools=["Edit"], grants=["write"])


def test_a_folder_reached_by_a_link_is_named_both_ways(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    told = options(tmp_path, cwd=str(tmp_path / "link"), tools=["Write"], grants=["write"])
    assert rules(told) == [f"Edit(/{tmp_path}/link/**)", f"Edit(/{tmp_path}/real/**)"]


def test_what_is_too_long_for_an_argument_goes_through_a_file(tmp_path: Path) -> None:
    assert options(tmp_path)["system_prompt"] == "Be terse."
    long = "Be terse. " * 20_000
    told = options(tmp_path, system_prompt=long, literal_paths=["/" + "x" * 99_999], tools=["Read"])
    assert told["system_prompt"]["type"] == "file"
    assert Path(told["system_prompt"]["path"]).read_text() == long
    assert "Read(//xxx" in Path(told["settings"]).read_text()


def test_only_the_servers_that_a_tool_names_are_started_with_references_unresolved(
    tmp_path: Path,
) -> None:
    docs = {
        "type": "stdio",
        "command": "docs",
        "args": ["--all"],
        "env": {"TOKEN": "${MAKER_TEST_TOKEN}"},
    }
    servers = {"docs": {**docs, "tools": {"search": {"effect": "read"}}}, "other": {"type": "x"}}
    live = {"calc": object()}
    tools = ["mcp__docs__search", "mcp__calc"]
    with pytest.raises(ConfigError, match="MAKER_TEST_TOKEN"):
        options(tmp_path, tools=tools, mcp_servers=servers, live=live)
    environ = {"MAKER_TEST_TOKEN": "t"}
    told = options(tmp_path, environ, live, tools=tools, mcp_servers=servers)
    assert set(told["mcp_servers"]) == {"docs", "calc"}
    assert told["mcp_servers"]["calc"] is live["calc"]
    assert told["mcp_servers"]["docs"]["env"] == docs["env"]
    assert told["mcp_servers"]["docs"]["args"][-2:] == ["docs", "--all"]


def test_a_server_is_started_so_that_its_last_words_are_heard(tmp_path: Path) -> None:
    server = {"type": "stdio", "command": "cat", "args": ["/no-such-file", "$0", "a b"]}
    told = options(tmp_path, tools=["mcp__docs"], mcp_servers={"docs": server})
    started = told["mcp_servers"]["docs"]
    assert server_stderr(tmp_path, "docs") == []
    subprocess.run([started["command"], *started["args"]], check=False, env={"LC_ALL": "C"})
    said = server_stderr(tmp_path, "docs")
    assert [line.split(":")[1].strip(" '") for line in said] == ["/no-such-file", "$0", "a b"]
    missing = {"docs": {"type": "stdio", "command": "no-such-server"}}
    started = options(tmp_path, tools=["mcp__docs"], mcp_servers=missing)["mcp_servers"]["docs"]
    subprocess.run([started["command"], *started["args"]], check=False)
    assert "no-such-server" in server_stderr(tmp_path, "docs")[-1]


@pytest.mark.parametrize(
    ("model", "role", "chosen", "sent"),
    [
        ("claude-sonnet-4-5", "step", None, {"type": "disabled"}),
        ("claude-sonnet-4-5-20250929", "check", None, {"type": "disabled"}),
        ("claude-opus-4-20250514", "step", None, {"type": "disabled"}),
        ("us.anthropic.claude-haiku-4-5-v1:0", "step", None, {"type": "disabled"}),
        ("claude-sonnet-4-5", "plan", None, {"type": "enabled", "budget_tokens": 8000}),
        ("claude-sonnet-4-6", "step", None, None),
        ("claude-opus-4-10", "step", None, None),
        ("claude-sonnet-5-5", "plan", None, None),
        ("claude-sonnet-4-5", "step", "adaptive", {"type": "adaptive"}),
        ("claude-sonnet-5-5", "step", "off", {"type": "disabled"}),
        ("claude-sonnet-5-5", "step", "2048", {"type": "enabled", "budget_tokens": 2048}),
    ],
)
def test_thinking_is_as_chosen_and_by_default_never_an_expensive_surprise(
    model: str, role: Any, chosen: str | None, sent: Any
) -> None:
    call = msgspec.structs.replace(CALL, model=model, role=role, thinking=chosen)
    assert thinking_for(call) == sent


def test_unknown_thinking_and_effort_are_refused(tmp_path: Path) -> None:
    for thinking in ("on", "", "12", "-5", "٤٠٠٠", "1e9"):
        with pytest.raises(ConfigError, match="unknown thinking"):
            options(tmp_path, thinking=thinking)
    with pytest.raises(ConfigError, match="unknown effort"):
        options(tmp_path, effort="colossal")
    assert options(tmp_path, effort="low")["effort"] == "low"


def test_asking_needs_no_sdk_until_the_first_question() -> None:
    code = "import sys, maker.executor.agent_runner; print('claude_agent_sdk' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


class Scripted(AgentRunner):
    """Answers from a list of messages instead of the SDK."""

    def __init__(self, *messages: Any, **options: Any) -> None:
        super().__init__(**options)
        self.messages = messages

    async def _sdk_query(self, prompt: str, **options: Any) -> Any:
        self.asked = (prompt, options)
        for message in self.messages:
            yield message


async def test_the_query_gets_the_prompt_first_and_the_options_by_name() -> None:
    runner = Scripted()
    reply = await runner.ask(CALL)
    assert runner.asked[0] == "2 + 2?"
    assert runner.asked[1]["model"] == "claude-sonnet-4-5"
    assert reply.error is not None
    assert reply.error.kind == "incomplete"
