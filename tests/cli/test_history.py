"""`maker history`: every run on a line, honestly, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from stored_runs import by_sample, cut, database, stored

from fakes import FakeClock, plan, step
from maker.cli.main import main
from maker.core.models import TaskConfig

RIGHT = by_sample([{"n": 3}])


def shown(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert main(["history", *args]) == code
    return capsys.readouterr().out


def test_without_a_database_there_are_no_runs_and_none_is_created(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(capsys) == "no runs yet\n"
    assert not database().exists()
    assert json.loads(shown(capsys, "--json")) == {
        "schema_version": 1,
        "runs": [],
        "has_more": False,
    }


def test_a_run_is_one_line_with_its_short_id_status_steps_cost_and_instruction(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = stored(RIGHT, plan())
    heading, line = shown(capsys).splitlines()
    assert heading.split()[:4] == ["RUN", "STARTED", "STATUS", "STEPS"]
    assert line.startswith(run[-8:])
    assert "completed    1/1  $0.0100        1  Count the words." in line


def test_a_simulated_cost_is_called_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    stored(RIGHT, plan(), config=TaskConfig(instruction="Count.", agent="simulated"))
    assert "$0.0100 simulated" in shown(capsys)


def test_a_run_that_nobody_works_on_is_crashed(capsys: pytest.CaptureFixture[str]) -> None:
    cut(stored(RIGHT, plan()), 4)
    assert " crashed " in shown(capsys)
    assert shown(capsys, "--status", "running") == "no runs match\n"
    assert " crashed " in shown(capsys, "--status", "crashed")


def test_runs_are_filtered_by_status_text_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    stored(RIGHT, plan(), config=TaskConfig(instruction="Write the Changelog."))
    stored(
        by_sample(["nonsense"]),
        plan(),
        config=TaskConfig(instruction="Count."),
        clock=FakeClock(2e9),
    )
    assert "Changelog" in shown(capsys, "--text", "changelog")
    assert "Count." not in shown(capsys, "--text", "changelog")
    assert "Count." in shown(capsys, "--status", "failed")
    assert "Changelog" not in shown(capsys, "--since", "2030-01-01")
    assert "Count." in shown(capsys, "--since", "2030-01-01")
    assert shown(capsys, "--text", "%") == "no runs match\n"


def test_the_newest_come_first_and_more_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        config = TaskConfig(instruction=f"Task {number}.")
        stored(RIGHT, plan(), config=config, clock=FakeClock(1e9 + number * 1000))
    assert main(["history", "--limit", "2"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()[1:]] == ["2.", "1."]
    assert "--limit" in err
    assert json.loads(shown(capsys, "--limit", "2", "--json"))["has_more"] is True


@pytest.mark.parametrize("since", ["yesterday", "2d ago", "-1d", "2026-13-01", "9999999999999d"])
def test_a_time_that_is_none_is_a_usage_error(
    since: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", f"--since={since}"]) == 2
    assert "is not a time" in capsys.readouterr().err


def test_an_instruction_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "Count\x1b[2J\x1b]0;owned\x07 the\nwords \u202e!"
    stored(RIGHT, plan(), config=TaskConfig(instruction=hostile))
    line = shown(capsys).splitlines()[1]
    assert line.endswith("Count the words !")
    assert "\x1b" not in line


def test_a_document_for_programs_has_each_run_whole(capsys: pytest.CaptureFixture[str]) -> None:
    run = stored(RIGHT, plan(step(output_schema="{n: int}")))
    document = json.loads(shown(capsys, "--json"))
    assert document["schema_version"] == 1
    found = document["runs"][0]
    assert (found["run"], found["status"], found["steps_done"]) == (run, "completed", 1)
    assert len(found["head_hash"]) == 64


def test_history_loads_neither_sdk_nor_sqlalchemy_nor_alembic_nor_rich() -> None:
    stored(RIGHT, plan())
    script = (
        "import sys; from maker.cli.main import main; main(['history']);"
        "heavy = {'claude_agent_sdk', 'sqlalchemy', 'alembic', 'rich', 'yaml', 'aiosqlite'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"
    assert "Count the words." in done.stdout


def test_a_rescue_file_that_waits_is_said_by_history_and_doctor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = stored(RIGHT, plan())
    assert "rescue" not in history_errors(capsys)
    (database().parent / f"maker-rescue-{run}-0123456789abcdef.json").write_text("{}")
    assert f"maker resume {run}" in history_errors(capsys)
    main(["doctor"])
    assert f"Store it: maker resume {run}" in capsys.readouterr().out


def history_errors(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["history"]) == 0
    return capsys.readouterr().err
