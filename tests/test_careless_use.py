"""What a careless user types is refused before anything is bought, or works."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes import RUN
from maker.cli.main import main
from maker.cli.view import report
from maker.core.models import Simulation, TaskConfig, Totals
from maker.core.state import RunState
from maker.errors import ConfigError


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -1.0])
@pytest.mark.parametrize("name", ["call_timeout_s", "max_cost_usd", "max_minutes"])
def test_a_setting_that_a_log_cannot_hold_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        TaskConfig(instruction="x", **{name: value})


def test_a_call_needs_some_time() -> None:
    with pytest.raises(ConfigError, match="call_timeout_s"):
        TaskConfig(instruction="x", call_timeout_s=0.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
@pytest.mark.parametrize("name", ["error_rate", "flag_rate"])
def test_a_rate_that_is_no_share_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        Simulation(**{name: value})


@pytest.mark.parametrize("instruction", ["", "   ", "\n"])
def test_an_empty_instruction_is_refused(
    instruction: str, maker_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", instruction, "--agent", "simulated"]) == 2
    assert "empty" in capfd.readouterr().err
    assert not maker_home.exists()


@pytest.mark.parametrize(
    "voting",
    [
        ["--voting", "first_to_k", "--voting-k", "11"],
        ["--voting", "majority", "--voting-n", "9", "--max-voting-samples", "4"],
    ],
)
def test_a_vote_that_can_never_be_decided_is_refused_before_anything_is_planned(
    voting: list[str], maker_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "Count.", "--agent", "simulated", *voting]) == 2
    assert "may take only" in capfd.readouterr().err
    assert not maker_home.exists()


@pytest.mark.parametrize("more", [[], ["--db", "runs.db"], ["-o", "answer.txt"]])
def test_a_current_folder_that_was_deleted_is_named(
    more: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert main(["run", "Count.", "--agent", "simulated", *more]) == 2
    assert "does not exist any more" in capfd.readouterr().err


def test_the_cap_that_is_advised_is_one_that_lets_the_run_go_on() -> None:
    config = TaskConfig(instruction="x", max_cost_usd=5.0)
    state = RunState(
        config=config, status="paused", reason="budget", totals=Totals(cost_usd=28.88, samples=1)
    )
    assert report.resume_command(RUN, state, None).endswith("--max-cost-usd 58")


COMMAND = f"{shlex.quote(sys.executable)} -m maker"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code"),
    [
        (f"{COMMAND} run Count --agent simulated --quiet <&- >&- 2>&-", 0),
        pytest.param(f"{COMMAND} history > /dev/full", 1, marks=needs_full),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(shell: str, code: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "maker", "demo", "--disks", "1"], check=True, capture_output=True
    )
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
