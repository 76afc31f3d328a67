"""`maker doctor`: what it looks at, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stored_runs import database

from maker.cli.main import main
from maker.inspect import diagnosis

SECRET = "sk-ant-" + "x" * 40


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for cloud in ("BEDROCK", "VERTEX", "FOUNDRY"):
        monkeypatch.delenv(f"CLAUDE_CODE_USE_{cloud}", raising=False)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))


def findings(capsys: pytest.CaptureFixture[str], code: int) -> dict[str, dict[str, str]]:
    assert main(["doctor", "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["usable"] is (code == 0)
    return {finding["name"]: finding for finding in document["findings"]}


def test_without_credentials_the_exit_code_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, 4)
    assert found["credentials"]["state"] == "problem"
    assert "ANTHROPIC_API_KEY" in found["credentials"]["advice"]


def test_the_source_of_the_credentials_is_told_and_never_the_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    assert findings(capsys, 0)["credentials"]["text"] == "ANTHROPIC_API_KEY"
    assert main(["doctor"]) == 0
    assert SECRET not in capsys.readouterr().out


def test_versions_are_found_and_nothing_is_created(capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, 4)
    assert found["sdk"]["text"].startswith("claude-agent-sdk 0.2")
    assert found["cli"]["text"].startswith("Claude Code 2.")
    assert "none yet" in found["database"]["text"]
    assert not database().exists()


def test_a_broken_database_is_worse_than_no_login(capsys: pytest.CaptureFixture[str]) -> None:
    database().parent.mkdir(parents=True)
    database().write_bytes(b"not a database " * 100)
    assert findings(capsys, 1)["database"]["state"] == "problem"


@pytest.mark.parametrize(
    ("version", "state"),
    [("3.6.23", "ok"), ("3.7.0", "note"), ("3.40.1", "note"), ("3.51.2", "note"), ("3.51.3", "ok")],
)
def test_sqlite_with_the_wal_bug_earns_a_note(version: str, state: str) -> None:
    assert diagnosis.sqlite_finding(version).state == state


def test_the_doctor_does_not_load_the_sdk() -> None:
    script = (
        "import sys; from maker.cli.main import main; main(['doctor']);"
        "print('claude_agent_sdk' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == "False"


def test_live_puts_the_tasks_to_the_agent_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--live", "--agent", "simulated"]) == 0
    text = capsys.readouterr().out
    assert "first plan valid: 5 of 5" in text
    assert "simulated answers are not judged" in text
    assert "simulated" in text
    assert main(["history", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 5


def test_live_stops_at_its_cap_and_says_that_not_all_was_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ["doctor", "--live", "--agent", "simulated", "--max-cost-usd", "0.02", "--json"]
    assert main(args) == 1
    document = json.loads(capsys.readouterr().out)
    assert 1 <= len(document["live"]) < 5


def test_live_asks_nobody_without_a_login(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--live"]) == 4
    assert not database().exists()


def test_what_is_kept_of_changed_files_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, maker_home: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x" * 20)
    contents = maker_home / "trees" / "contents" / "ab"
    contents.mkdir(parents=True)
    (contents / ("c" * 62)).write_bytes(bytes(2_500))
    assert findings(capsys, 0)["changes"]["text"].startswith("2.5 kB for `maker undo` in ")
