"""What a long demo says of itself while it runs."""

from __future__ import annotations

import pytest

from maker.cli.demo import Progress
from maker.core import events as e
from maker.core.models import VotingSummary
from maker.demo.experiment import Experiment


def moved(at: float) -> e.StepCompleted:
    summary = VotingSummary(strategy="none", total_samples=1, red_flagged=0, winning_votes=1)
    return e.StepCompleted(
        step=0, title="t", output={}, voting_summary=summary, cost_usd=0, duration_ms=0,
        timestamp=at,
    )  # fmt: skip


class Watched(Experiment):
    moves = 250_000
    outvoted = 1_650


@pytest.mark.parametrize(("on_terminal", "every_s"), [(True, 0.2), (False, 15.0)])
def test_progress_names_rate_errors_and_time_left_and_is_not_said_too_often(
    on_terminal: bool, every_s: float
) -> None:
    progress = Progress(Watched(20), on_terminal=on_terminal)
    assert progress.line(e.ValidationPassed(checks_passed=1, timestamp=1000.0)) == ""
    assert progress.line(moved(1000.0 + every_s / 2)) == ""
    line = progress.line(moved(1100.0)).strip()
    assert line == (
        "move 250,000 of 1,048,575 (24%), 2,500/s, 1,650 errors outvoted, 5 min 19 s left"
    )
    assert progress.line(moved(1100.0 + every_s / 2)) == ""
    assert progress.line(moved(1100.0 + every_s)) != ""
