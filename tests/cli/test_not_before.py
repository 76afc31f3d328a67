"""A run that is to begin later."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest

from fakes import FakeClock
from maker.cli.main import main
from maker.cli.view.times import coming
from maker.cli.waiting import wait_until

NOW = datetime(2026, 3, 31, 21, 30).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("22:00", datetime(2026, 3, 31, 22, 0)),
        ("21:30", datetime(2026, 3, 31, 21, 30)),
        ("9:05", datetime(2026, 4, 1, 9, 5)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 18, 0)),
        ("2020-01-01", datetime(2020, 1, 1)),
    ],
)
def test_a_time_of_the_day_is_the_next_one(text: str, moment: datetime) -> None:
    assert coming(text, NOW) == moment.timestamp()


@pytest.mark.parametrize("text", ["24:00", "12:60", "soon", "", "99999-01-01", "22"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="as in 22:00"):
        coming(text, NOW)


async def test_the_wait_ends_by_the_clock_on_the_wall() -> None:
    clock, lines = FakeClock(NOW), list[str]()
    await wait_until(NOW + 7200, clock, lines.append)
    assert NOW + 7200 <= clock.time < NOW + 7300
    assert len(clock.waits) > 100, "a machine that slept would find out late"
    (line,) = lines
    assert line.startswith("waiting until 2026-03-31 23:30 (2 h 00 min)")


async def test_what_is_past_is_not_waited_for() -> None:
    clock, lines = FakeClock(NOW), list[str]()
    await wait_until(NOW - 1, clock, lines.append)
    assert (clock.waits, lines) == ([], [])


def test_a_time_that_is_past_begins_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "Count", "--agent", "simulated", "--not-before", "2020-01-01T00:00"]) == 0
    assert "waiting" not in capfd.readouterr().err


def test_a_time_that_is_none_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "Count", "--agent", "simulated", "--not-before", "soon"]) == 2
    assert "as in 22:00" in capfd.readouterr().err


def test_nothing_begins_before_its_time(fork: Callable[..., Any], maker_home: Path) -> None:
    process = fork("run", "Count", "--agent", "simulated", "--not-before", "9999-01-01T00:00")
    process.expect("waiting until 9999-01-01")
    process.send(signal.SIGINT)
    assert process.end() == (130, "")
    assert "Interrupted before anything began" in process.err
    assert not (maker_home / "maker.db").exists()
