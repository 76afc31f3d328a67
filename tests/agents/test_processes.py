"""Agents' processes are found by their marks, and only the marked ones are ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from maker.agents import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a command with marks; nothing of it outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*command: str, **marks: str) -> subprocess.Popen[bytes]:
        environ = {**os.environ, **processes.mark(**marks)} if marks else dict(os.environ)
        started.append(subprocess.Popen(command, env=environ, stdout=subprocess.PIPE))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_what_is_left_of_a_call_is_named_by_its_command_and_ended(start: Start) -> None:
    start("sleep", "600.25", call="a", session="s")
    other = start("sleep", "600.5", call="b", session="s")
    assert [process.command for process in processes.kill("a")] == ["sleep 600.25"]
    assert processes.of_call("a") == []
    assert other.poll() is None


def test_only_what_is_marked_with_the_session_is_ended(start: Start) -> None:
    of_it = start("sleep", "600.75", call="a", session="run-1 host:1:x")
    others = [
        start("sleep", "601", call="a", session="run-2 host:1:x"),
        start("sleep", "601", call="a", session="run-1 host:2:x"),
        start("sleep", "601", call="a"),
        start("sleep", "601"),
    ]
    (ended,) = processes.kill_session("run-1 host:1:x")
    assert (ended.pid, ended.command) == (of_it.pid, "sleep 600.75")
    assert of_it.wait(20) < 0
    assert [other.poll() for other in others] == [None] * 4


def test_what_a_process_starts_while_it_is_ended_is_ended_too(start: Start) -> None:
    forker = "import os\nwhile True:\n    if os.fork() == 0: os.execvp('sleep', ['sleep', '0.2'])"
    process = start(sys.executable, "-c", f"print(flush=True)\n{forker}", call="forks")
    assert process.stdout is not None
    process.stdout.readline()
    processes.kill("forks")
    assert process.wait(20) < 0


def test_the_name_of_a_process_is_one_harmless_line(start: Start) -> None:
    start("sh", "-c", "sleep 602; true", "\x1b[2J\n0", call="odd")
    assert all(process.command.isprintable() for process in processes.kill("odd"))
