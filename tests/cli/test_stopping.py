"""`maker pause` and `maker cancel` reach a run in another process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from maker_process import Done, Maker, agents_of, ended, until

from maker.cli.main import main
from maker.core import events as e

pytestmark = pytest.mark.slow

SLOW = ("run", "Count the stars.", "--agent", "simulated", "--voting", "majority")


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "maker.db", tmp_path, {})


def stopped(
    maker: Maker, kind: type[e.Event], delay_ms: int, capsys: pytest.CaptureFixture[str], *args: str
) -> tuple[Done, Any]:
    """What a run left behind that was stopped after this event, and what the command said."""
    with maker.started(*SLOW, "--delay-ms", str(delay_ms)) as process:
        until(lambda: maker.of(kind), f"there is a {kind.__name__}")
        assert main([*args, "--db", str(maker.database), "--json"]) == 0
        done = ended(process)
        assert agents_of(process.pid) == []
    return done, json.loads(capsys.readouterr().out)


def test_a_run_is_paused_from_elsewhere_and_keeps_what_it_has_paid_for(
    maker: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    pause = ("pause", "@last", "--reason", "lunch")
    run, document = stopped(maker, e.StepStarted, 3000, capsys, *pause)
    assert (run.code, document["status"]) == (3, "paused"), run.err
    assert "paused: user: lunch" in run.err
    assert "maker resume" in run.err
    assert len(maker.of(e.AgentReplied)) == 3, "the plan, and the round that was under way"
    resumed = maker("resume", "@last", "--delay-ms", "0")
    assert resumed.code == 0, resumed.err
    assert maker("verify", "@last").code == 0


def test_a_run_is_cancelled_from_elsewhere_and_leaves_nothing_behind(
    maker: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    run, document = stopped(maker, e.TaskSubmitted, 60_000, capsys, "cancel", "@last")
    assert (run.code, document["status"]) == (1, "cancelled"), run.err
    assert isinstance(maker.log()[-1], e.RunCancelled)
    assert main(["resume", "@last", "--db", str(maker.database)]) == 2
