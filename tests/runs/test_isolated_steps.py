"""Agents that write work on copies of the folder, and what has won is applied once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fakes import Play, ScriptedAgent, config, plan, play, step
from maker import app
from maker.cli.main import main
from maker.core import events as e
from maker.core.models import AgentCall, AgentError, AgentReply, TaskConfig
from maker.core.seams import Record
from maker.inspect.replay import replay
from maker.store.sql import SqlStore

WRITES = plan(step(primary_tools=["Write"]))
ANSWER = '{"n": 1}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    return folder


def isolated(folder: Path, **changes: object) -> TaskConfig:
    return config(cwd=str(folder), isolate="copy", allow=["write", "bash"], **changes)


def writer(*texts: str) -> ScriptedAgent:
    """Writes the texts one after another, a sample each, where it is told to work."""
    waiting = list(texts)

    def script(call: AgentCall) -> str:
        place = Path(call.cwd)
        (place / "a.txt").write_text(waiting.pop(0))
        (place / "b.txt").write_text("new\n")
        return ANSWER

    return ScriptedAgent(script)


async def cut_before(session: Play, kind: type[e.Event]) -> list[Record]:
    """The log up to its first event of this kind."""
    records = await session.records()
    place = next(i for i, r in enumerate(records) if isinstance(e.decode(r.payload), kind))
    return records[:place]


RESUMED = e.RunResumed(rules=5)


async def test_the_folder_is_as_it_was_until_the_answer_has_won(folder: Path) -> None:
    places = []

    def script(call: AgentCall) -> str:
        places.append(Path(call.cwd))
        assert str(folder) not in call.prompt
        (Path(call.cwd) / "a.txt").write_text("two\n")
        assert (folder / "a.txt").read_text() == "one\n"
        return ANSWER

    session = await play(ScriptedAgent(script), config=isolated(folder), given=WRITES)
    assert isinstance(session.events[-1], e.TaskCompleted)
    assert (folder / "a.txt").read_text() == "two\n"
    assert places[0] != folder
    assert not places[0].exists()
    (applied,) = session.of(e.ChangesApplied)
    assert isinstance(applied, e.ChangesApplied)
    assert (applied.paths, applied.folder) == (["a.txt"], str(folder))
    assert replay(await session.records()).outcome == "identical"


async def test_an_answer_that_names_the_copy_names_the_folder_in_the_log(folder: Path) -> None:
    naming = plan(step(primary_tools=["Write"], output_schema="{file: string}"))
    session = await play(
        ScriptedAgent(lambda call: f'{{"file": "{call.cwd}/a.txt"}}'),
        config=isolated(folder),
        given=naming,
    )
    (done,) = session.of(e.StepCompleted)
    assert isinstance(done, e.StepCompleted)
    assert done.output == {"file": f"{folder}/a.txt"}
    assert not session.of(e.ChangesApplied), "nothing was changed"


async def test_a_sample_that_fails_leaves_no_trace_and_the_next_begins_anew(folder: Path) -> None:
    seen = []

    def script(call: AgentCall) -> AgentReply:
        file = Path(call.cwd) / "a.txt"
        seen.append(file.read_text())
        file.write_text(f"try {len(seen)}\n")
        error = AgentError(kind="timeout", message="late") if len(seen) == 1 else None
        return AgentReply(text=ANSWER, error=error)

    session = await play(ScriptedAgent(script), config=isolated(folder), given=WRITES)
    assert isinstance(session.events[-1], e.TaskCompleted)
    assert seen == ["one\n", "one\n"]
    assert (folder / "a.txt").read_text() == "try 2\n"


async def test_what_somebody_changed_meanwhile_pauses_the_run_and_nothing_is_applied(
    folder: Path,
) -> None:
    first = await play(writer("two\n"), config=isolated(folder), given=WRITES)
    history = await cut_before(first, e.ChangesApplied)
    (folder / "a.txt").write_text("mine\n")
    (folder / "b.txt").unlink()
    agent = writer()
    second = await play(agent, history=history, opening=[RESUMED])
    (paused,) = second.of(e.RunPaused)
    assert isinstance(paused, e.RunPaused)
    assert paused.reason == "changed"
    assert "a.txt" in paused.detail
    assert not (folder / "b.txt").exists()
    (folder / "a.txt").write_text("one\n")
    third = await play(agent, history=await second.records(), opening=[RESUMED])
    assert isinstance(third.events[-1], e.TaskCompleted)
    assert agent.calls == []
    assert (folder / "a.txt").read_text() == "two\n"


@pytest.mark.parametrize("is_applied", [True, False])
async def test_a_run_that_was_killed_before_it_could_say_what_it_applied_finishes_that(
    folder: Path, is_applied: bool
) -> None:
    first = await play(writer("two\n"), config=isolated(folder), given=WRITES)
    history = await cut_before(first, e.ChangesApplied)
    if not is_applied:
        (folder / "a.txt").write_text("one\n")
        (folder / "b.txt").unlink()
    agent = writer()
    again = await play(agent, history=history, opening=[RESUMED])
    assert isinstance(again.events[-1], e.TaskCompleted)
    assert agent.calls == []
    assert ((folder / "a.txt").read_text(), (folder / "b.txt").read_text()) == ("two\n", "new\n")


@pytest.mark.parametrize(("tool", "asked_again"), [("Write", 1), ("Bash", 0)])
async def test_a_killed_agent_is_asked_again_unless_a_command_may_have_acted_elsewhere(
    folder: Path, tool: str, asked_again: int
) -> None:
    first = await play(
        writer("two\n"), config=isolated(folder), given=plan(step(primary_tools=[tool]))
    )
    history = await cut_before(first, e.AgentReplied)
    (folder / "a.txt").write_text("one\n")
    (folder / "b.txt").unlink()
    agent = writer("three\n")
    again = await play(agent, history=history, opening=[RESUMED])
    assert len(agent.calls) == asked_again
    paused = [event for event in again.of(e.RunPaused) if isinstance(event, e.RunPaused)]
    assert [event.reason for event in paused] == ["ambiguous"] * (1 - asked_again)


@pytest.mark.parametrize(
    "other",
    [{"primary_tools": ["Read"]}, {"primary_tools": []}, {"accept": ["true"]}],
)
async def test_who_does_not_write_or_is_judged_by_commands_works_in_the_folder(
    folder: Path, other: dict[str, Any]
) -> None:
    agent = ScriptedAgent(lambda call: ANSWER)
    await play(
        agent, config=isolated(folder), given=plan(step(**{"primary_tools": ["Write"], **other}))
    )
    assert [call.cwd for call in agent.calls] == [str(folder)]


async def test_a_change_below_the_repositorys_own_folder_is_a_red_flag(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")

    def script(call: AgentCall) -> str:
        hooks = Path(call.cwd) / ".git" / "hooks"
        hooks.mkdir(parents=True)
        (hooks / "pre-commit").write_text("rm -rf /\n")
        return ANSWER

    session = await play(
        ScriptedAgent(script), config=isolated(folder, step_max_retries=0), given=WRITES
    )
    (flagged,) = session.of(e.SampleRedFlagged)
    assert isinstance(flagged, e.SampleRedFlagged)
    assert flagged.reason == "withheld"
    assert not (folder / ".git" / "hooks").exists()


async def test_what_a_run_changed_is_shown_and_taken_back(
    folder: Path, maker_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = SqlStore(maker_home / "maker.db")
    session = app.submit(isolated(folder), store=store, plan=WRITES, agent=writer("two\n"))
    run = session.orchestrator.run_id
    [_ async for _ in session.run()]
    await store.close()
    assert main(["changes", run]) == 0
    assert "~ a.txt  +1 -1" in capfd.readouterr().out
    assert main(["changes", run, "--patch"]) == 0
    assert "+two" in capfd.readouterr().out
    assert main(["undo", run, "--dry-run"]) == 0
    assert (folder / "a.txt").read_text() == "two\n"
    (folder / "b.txt").write_text("mine\n")
    capfd.readouterr()
    assert main(["undo", run, "--dry-run", "--json"]) == 3
    document = json.loads(capfd.readouterr().out)
    assert (document["taken_back"], document["changed_since"]) == (["a.txt"], ["b.txt"])
    assert main(["undo", run]) == 3
    shown = capfd.readouterr()
    assert "taken back: a.txt" in shown.out
    assert "changed since, left: b.txt" in shown.err
    assert (folder / "a.txt").read_text() == "one\n"
    assert (folder / "b.txt").read_text() == "mine\n"
    assert main(["undo", run, "--step", "7"]) == 2
    assert "no changes in step 7" in capfd.readouterr().err


async def test_the_patch_for_programs_is_exact(
    folder: Path, maker_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def script(call: AgentCall) -> str:
        (Path(call.cwd) / "a.txt").write_bytes(b"two\r\n\x1b[31m\n")
        return ANSWER

    store = SqlStore(maker_home / "maker.db")
    session = app.submit(isolated(folder), store=store, plan=WRITES, agent=ScriptedAgent(script))
    [_ async for _ in session.run()]
    await store.close()
    assert main(["changes", "@last", "--patch"]) == 0
    patch = capfd.readouterr().out
    (folder / "a.txt").write_text("one\n")
    subprocess.run(  # noqa: ASYNC221 - it has the loop to itself
        ["git", "apply"], input=patch.encode(), cwd=folder, check=True
    )
    assert (folder / "a.txt").read_bytes() == b"two\r\n\x1b[31m\n"
