"""`maker prune` and sizes: what would go, what goes, and who has to say so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from stored_runs import by_sample, database, stored

from fakes import FakeClock, plan
from maker.cli.main import main
from maker.core.models import RunId, TaskConfig
from maker.store.check import check
from maker.store.queries import Reader

if TYPE_CHECKING:
    from cli.conftest import Fork

PRUNE = ("prune", "--older-than", "30d")


@pytest.fixture
def runs() -> list[RunId]:
    """Two old runs, one of which failed."""
    return [
        stored(by_sample([answer]), plan(), clock=FakeClock(1e9)) for answer in ({"n": 3}, "none")
    ]


def left() -> int:
    with Reader(str(database())) as reader:
        return len(reader.runs())


def test_a_dry_run_lists_and_deletes_nothing(
    runs: list[RunId], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PRUNE, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert all(run[-8:] in out for run in runs)
    assert "2 runs, about " in out
    assert main([*PRUNE, "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [run["run"] for run in document["runs"]] == runs
    assert document["deleted"] == []
    assert document["bytes_before"] == document["bytes_after"] > 0
    assert left() == 2


@pytest.mark.usefixtures("runs")
def test_without_a_terminal_and_without_yes_nothing_is_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(PRUNE) == 3
    assert "--yes" in capsys.readouterr().err
    assert left() == 2


@pytest.mark.usefixtures("runs")
def test_with_yes_sizes_are_said_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PRUNE, "--yes"]) == 0
    assert "deleted 2 runs and " in (out := capsys.readouterr().out)
    assert " -> " in out
    assert left() == 0
    assert check(str(database())).problems == ()
    assert main([*PRUNE, "--yes"]) == 0
    assert capsys.readouterr().out == "no runs are that old\n"


def test_failed_runs_can_be_kept(runs: list[RunId], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PRUNE, "--keep-failed", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["deleted"] == runs[:1]
    assert left() == 1


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(("answer", "code", "remaining"), [("no", 3, 2), ("yes", 0, 0)])
def test_on_a_terminal_it_is_asked(fork: Fork, answer: str, code: int, remaining: int) -> None:
    process = fork(*PRUNE, terminal=True)
    process.answer("Delete 2 runs for good", answer)
    assert process.end()[0] == code
    assert left() == remaining


def test_an_age_must_be_given_and_be_one() -> None:
    assert main(["prune"]) == 2
    assert main(["prune", "--older-than", "soon"]) == 2


def test_without_a_database_there_is_nothing_to_prune(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PRUNE, "--yes"]) == 0
    assert capsys.readouterr().out == "no runs are that old\n"
    assert not database().exists()


def test_history_shows_what_each_run_takes(
    runs: list[RunId], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--size"]) == 0
    out = capsys.readouterr().out
    assert "SIZE" in out.splitlines()[0]
    assert out.count(" kB") == 2
    assert main(["history", "--size", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["runs"]
    assert all(run["bytes"] > 1000 for run in listed)
    assert main(["history", "--json"]) == 0
    assert "bytes" not in json.loads(capsys.readouterr().out)["runs"][0]
    assert len(runs) == len(listed)


@pytest.mark.usefixtures("runs")
def test_the_doctor_says_how_big_the_database_is(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    found = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert " kB" in found["database"]["text"]


def test_backup_from_the_command_line(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(by_sample([{"n": 3}]), plan(), config=TaskConfig(instruction="Count."))
    target = tmp_path_factory.mktemp("backups") / "copy.db"
    assert main(["backup", str(target)]) == 0
    assert f"{target}: 1 run, " in capsys.readouterr().out
    assert main(["backup", str(target)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["backup", str(target), "--force", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["file"], document["runs"]) == (str(target), 1)
    assert main(["verify", "@last", "--db", str(target)]) == 0
    assert f"as noted in {target}-heads" in capsys.readouterr().out
