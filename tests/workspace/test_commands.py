"""Commands that accept answers: real ones, in a real folder."""

from __future__ import annotations

import asyncio
import os
import select
from pathlib import Path

import pytest

from maker.errors import RunMustPause
from maker.workspace.commands import environment, refused_by

ENVIRON = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


async def refused(
    command: str, cwd: Path, answer: object = None, timeout_s: float = 20
) -> list[str]:
    return await refused_by(
        command, answer, cwd=str(cwd), environ=ENVIRON, timeout_s=timeout_s, session="s"
    )


async def test_what_exits_with_0_accepts(tmp_path: Path) -> None:
    assert await refused("true", tmp_path) == []


async def test_it_gets_the_answer_as_json_in_the_working_folder(tmp_path: Path) -> None:
    command = 'cat > got.json; test "$(cat got.json)" = \'{"n": 3, "name": "é"}\''
    assert await refused(command, tmp_path, {"n": 3, "name": "é"}) == []
    assert (tmp_path / "got.json").exists()


async def test_a_large_answer_that_nobody_reads_is_no_failure(tmp_path: Path) -> None:
    assert await refused("exit 0", tmp_path, "x" * 2_000_000) == []


async def test_the_reason_is_how_it_ended_and_its_last_lines(tmp_path: Path) -> None:
    command = "seq 100; printf '\\033[31mno such test\\n' >&2; exit 2"
    lines = await refused(command, tmp_path)
    assert lines[0].endswith("exited with 2")
    assert lines[-2:] == ["100", "no such test"]
    assert len(lines) == 21


async def test_one_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    command = "echo begun; sleep 600 & echo $! > child; sleep 600"
    lines = await refused(command, tmp_path, timeout_s=1.0)
    assert lines[0].endswith("took longer than 1 s")
    assert lines[1:] == ["begun"]
    assert has_ended(int((tmp_path / "child").read_text()))


async def test_what_it_leaves_running_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    assert await refused("sleep 600 & echo $! > child", tmp_path) == []
    assert has_ended(int((tmp_path / "child").read_text()))


async def test_what_leaves_the_group_is_ended_too(tmp_path: Path) -> None:
    leaves = "setsid sh -c 'echo $$ > child; exec sleep 600' >/dev/null 2>&1 & cat seen"
    for name in ("child", "seen"):
        os.mkfifo(tmp_path / name)
    task = asyncio.create_task(refused(leaves, tmp_path))
    child = await asyncio.to_thread((tmp_path / "child").read_text)
    await asyncio.to_thread((tmp_path / "seen").write_text, "")
    assert await task == []
    assert has_ended(int(child))


async def test_cancelled_it_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "leader")
    task = asyncio.create_task(refused("echo $$ > leader; sleep 600", tmp_path))
    leader = await asyncio.to_thread((tmp_path / "leader").read_text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert has_ended(int(leader))


@pytest.mark.parametrize("command", ["no-such-command-here", "./not-executable"])
async def test_one_that_cannot_be_run_says_nothing_about_the_answer(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "not-executable").write_text("#!/bin/sh\n")
    with pytest.raises(RunMustPause, match="cannot be run"):
        await refused(command, tmp_path)


async def test_a_folder_that_is_gone_pauses_the_run(tmp_path: Path) -> None:
    with pytest.raises(RunMustPause, match="cannot be run"):
        await refused("true", tmp_path / "gone")


def test_it_sees_neither_secrets_nor_what_belongs_to_the_cli() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "ANTHROPIC_API_KEY": "sk-ant-api03-" + "a" * 40,
        "ANTHROPIC_BASE_URL": "http://localhost",
        "CLAUDECODE": "1",
        "CLAUDE_CONFIG_DIR": "/home/me/.claude",
        "GITHUB_TOKEN": "something-secret",
        "SENTRY_URL": "https://user:something-secret@sentry.example/1",
        "PLAIN": "with something-secret in it",
    }
    assert environment(environ, ["something-secret"]) == {"PATH": "/bin", "HOME": "/home/me"}


def has_ended(pid: int) -> bool:
    """Whether the process is dead, or dies within the next seconds: a kill takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 20)[0])
    finally:
        os.close(process)
