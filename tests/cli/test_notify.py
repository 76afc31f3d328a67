"""What somebody is told who is not looking at a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import Play, ScriptedAgent, config, plan, play
from maker.cli import notify
from maker.cli.notify import Notifier, news_of
from maker.core import events as e
from maker.core.keys import sample_key


async def a_run(**settings: object) -> Play:
    return await play(
        ScriptedAgent(lambda call: '{"n": 1}'), config=config(**settings), given=plan()
    )


async def told(run: Play, command: str, say: Callable[[str], None] = lambda text: None) -> None:
    assert run.orchestrator is not None
    notifier = Notifier(command, say)
    for event in run.events:
        notifier.tell(run.orchestrator.run_id, event, run.orchestrator.state)
    await notifier.finish()


async def test_the_command_gets_a_line_of_json_for_the_end(tmp_path: Path) -> None:
    run = await a_run()
    await told(run, f"cat >> {tmp_path / 'news'}")
    (line,) = (tmp_path / "news").read_text().splitlines()
    news = json.loads(line)
    assert (news["news"], news["run"]) == (
        "completed",
        run.orchestrator and run.orchestrator.run_id,
    )
    assert news["instruction"] == "Count the words."


@pytest.mark.parametrize(
    ("event", "news"),
    [
        (e.RunPaused(reason="approval", detail="needs bash"), ("needs_approval", "needs bash")),
        (e.RunPaused(reason="question", detail="which?"), ("needs_answer", "which?")),
        (e.RunPaused(reason="budget"), ("paused", "budget")),
        (e.TaskFailed(error="no"), ("failed", "no")),
        (e.RunCancelled(detail="enough"), ("cancelled", "enough")),
        (
            e.AgentRetried(
                key=sample_key(0, 0, 0, 0),
                attempt=0,
                kind="rate_limit",
                message="later",
                wait_s=3e3,
            ),
            ("waiting", "later"),
        ),
        (
            e.AgentRetried(
                key=sample_key(0, 0, 0, 0), attempt=0, kind="network", message="gone", wait_s=2.0
            ),
            None,
        ),
        (e.ForEachStarted(step=0, title="t", items=3), None),
    ],
)
def test_what_is_worth_telling(event: e.Event, news: tuple[str, str] | None) -> None:
    assert news_of(event) == news


@pytest.mark.parametrize(
    ("command", "why"), [("exit 3", "exited with 3"), ("sleep 600", "took longer than")]
)
async def test_a_command_that_fails_is_a_word_and_no_failure_of_the_run(
    command: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "LONGEST_S", 0.5)
    said: list[str] = []
    await told(await a_run(), command, said.append)
    assert len(said) == 1
    assert why in said[0]


async def test_without_a_command_nothing_is_started() -> None:
    notifier = Notifier("", lambda text: None)
    run = await a_run()
    assert run.orchestrator is not None
    notifier.tell(run.orchestrator.run_id, run.events[-1], run.orchestrator.state)
    await notifier.finish()
