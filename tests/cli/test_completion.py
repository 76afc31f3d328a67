"""What a shell is told to complete."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from stored_runs import stored

from fakes import FakeClock, config, plan
from maker.cli.main import program


def completed(*words: str) -> list[str]:
    """What fish, which asks with the plainest lines, is offered for the last of these words."""
    environ = {
        "_MAKER_COMPLETE": "fish_complete",
        "COMP_WORDS": " ".join(["maker", *words]),
        "COMP_CWORD": words[-1],
    }
    return CliRunner(env=environ).invoke(program, prog_name="maker").output.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_lines_that_ask_maker(shell: str) -> None:
    done = CliRunner().invoke(program, ["completion", shell])
    assert done.exit_code == 0
    assert "_MAKER_COMPLETE" in done.output


def test_commands_and_options_are_completed() -> None:
    assert any("resume" in line for line in completed("res"))
    assert any("--accept" in line for line in completed("run", "--acc"))


def test_run_ids_are_completed_with_what_they_are() -> None:
    run = stored(lambda call: '{"n": 1}', plan())
    for name in ("show", "resume", "replay"):
        offered = completed(name, run[:6])
        assert any(run in line and "completed: Count the words." in line for line in offered)


def test_where_there_is_no_database_nothing_but_the_last_run_is_offered() -> None:
    assert any("@last" in line for line in completed("show", "@"))


def test_the_last_run_of_a_resume_is_the_last_that_can_be_resumed() -> None:
    paused = stored(lambda call: '{"n": 1}', plan(), config=config(dry_run=True, agent="simulated"))
    stored(lambda call: '{"n": 1}', plan(), clock=FakeClock(2_000_000.0))
    done = CliRunner().invoke(program, ["resume", "@last"])
    assert f"run {paused}" in done.stderr
