"""A process that is stopped: what is recorded, what is said, how it goes on."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maker.cli.main import main

SLOW = ("--agent", "simulated", "--delay-ms", "600000")
RESUME = ["resume", "@last", "--delay-ms", "0", "--quiet"]

Fork = Callable[..., Any]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_pauses_the_run_and_prints_the_command_that_resumes_it(
    fork: Fork, capfd: pytest.CaptureFixture[str], number: signal.Signals, code: int
) -> None:
    process = fork("run", "Count the files", *SLOW)
    process.expect("Task submitted")
    process.send(number)
    assert process.end() == (code, "")
    assert "Paused: signal: interrupted" in process.err
    assert "Traceback" not in process.err
    run = process.err.split()[1].rstrip(":")
    assert f"resume    maker resume {run}" in process.err
    assert main(RESUME) == 0
    assert capfd.readouterr().out == "simulated answer\n"


def test_a_process_started_by_a_shell_obeys_ctrl_c_as_well() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "maker", "run", "Count", *SLOW], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("run ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "maker resume" in err
    assert "Traceback" not in err


def test_a_second_ctrl_c_changes_nothing(fork: Fork, maker_home: Path) -> None:
    process = fork("run", "Count the files", *SLOW)
    process.expect("Task submitted")
    for _ in range(3):
        process.send(signal.SIGINT)
    assert process.end() == (130, "")
    with sqlite3.connect(maker_home / "maker.db") as database:
        found = database.execute("SELECT type FROM events ORDER BY seq").fetchall()
    assert found[-1] == ("RunPaused",)
    assert main(RESUME) == 0


def test_the_pause_is_among_the_events_for_programs(fork: Fork) -> None:
    process = fork("run", "Count the files", *SLOW, "--json")
    process.expect("run ")
    process.send(signal.SIGTERM)
    code, out = process.end()
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 143
    assert (events[-1]["type"], events[-1]["reason"]) == ("RunPaused", "signal")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_a_live_run_cannot_be_resumed_by_another_process(
    fork: Fork, capfd: pytest.CaptureFixture[str]
) -> None:
    process = fork("run", "Count the files", *SLOW)
    process.expect("Task submitted")
    assert main(RESUME) == 2
    shown = capfd.readouterr()
    assert f"is being worked on by process {process.pid}" in shown.err
    process.send(signal.SIGINT)
    assert process.end()[0] == 130


def test_a_killed_run_is_gone_on_with_at_once(fork: Fork) -> None:
    process = fork("run", "Count the files", *SLOW)
    process.expect("Task submitted")
    process.kill()
    assert main(RESUME) == 0


def test_a_terminal_that_goes_away_leaves_a_run_that_can_be_resumed(fork: Fork) -> None:
    process = fork("run", "Count", *SLOW, terminal=True)
    process.expect("Task submitted")
    process.hang_up()
    process.send(signal.SIGHUP)
    assert process.end()[0] in (129, 141)
    assert main(RESUME) == 0


def test_a_reader_that_goes_away_pauses_the_run(fork: Fork) -> None:
    process = fork("run", "Count", *SLOW, "--json")
    process.close_stdout()
    assert process.end()[0] == 141
    assert "Traceback" not in process.err
    assert "maker resume" in process.err
    assert main(RESUME) == 0
