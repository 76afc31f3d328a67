"""A whole run on PostgreSQL by the command line, and what its triggers refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from maker.cli.main import main
from maker.core.models import RunId
from maker.store.location import normal

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.slow

OLD_RUN = RunId("0199aaaa-0000-7000-8000-000000000001")
RUN = ("run", "Count the stars", "--agent", "simulated", "--json")
Call = Callable[..., str]


@pytest.fixture
def maker(
    postgres_alone: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Runs a command on the database, expects its exit code and gives what it printed."""
    monkeypatch.setenv("MAKER_DATABASE_URL", postgres_alone)

    def call(*args: str, code: int = 0) -> str:
        ended = main(args)
        out, err = capfd.readouterr()
        assert ended == code, err
        assert "Traceback" not in err
        return out

    return call


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def newest(maker: Call) -> dict[str, Any]:
    """The row of the newest run."""
    row: dict[str, Any] = json.loads(maker("history", "--json", "--limit", "1"))["runs"][0]
    return row


def test_a_run_is_carried_out_listed_shown_replayed_and_verified(maker: Call) -> None:
    events = lines(maker(*RUN))
    run = newest(maker)
    assert (run["status"], run["instruction"]) == ("completed", "Count the stars")
    shown = json.loads(maker("show", run["run"], "--events", "--json"))["events"]
    assert shown == events
    replayed = lines(maker("replay", run["run"], "--json"))[-1]
    assert (replayed["outcome"], replayed["events"]) == ("identical", len(events))
    assert f"intact: {len(events)} events" in maker("verify", run["run"])
    assert "sound" in maker("db", "check")


def test_a_paused_run_is_gone_on_with_and_buys_nothing_twice(maker: Call) -> None:
    events = lines(maker(*RUN, "--max-samples", "1", code=5))
    run = newest(maker)["run"]
    events += lines(maker("resume", run, "--max-samples", "none", "--json"))
    keys = [event["key"] for event in events if event["type"] == "AgentReplied"]
    assert len(keys) == len(set(keys)) == 3
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert lines(maker("replay", run, "--json"))[-1]["outcome"] == "identical"


def test_old_runs_are_pruned_and_sizes_and_ends_are_told(maker: Call) -> None:
    maker(*RUN)
    old = newest(maker)["run"]
    assert "PostgreSQL" in maker("verify", old)
    assert json.loads(maker("history", "--size", "--json"))["runs"][0]["bytes"] > 1000
    assert maker("backup", "copy.db", code=2) == ""
    listed = json.loads(maker("prune", "--older-than", "0m", "--dry-run", "--json"))["runs"]
    assert old in [run["run"] for run in listed]
    done = json.loads(maker("prune", "--older-than", "0m", "--yes", "--json"))
    assert set(done["deleted"]) == {run["run"] for run in listed}
    assert json.loads(maker("history", "--json"))["runs"] == []
    assert "sound" in maker("db", "check")


@pytest.mark.parametrize(
    "change", ["UPDATE events SET payload = ''", "DELETE FROM events", "UPDATE events SET seq = 99"]
)
def test_events_are_neither_changed_nor_deleted(
    maker: Call, postgres_alone: str, change: str
) -> None:
    maker(*RUN)
    with (
        sqlalchemy.create_engine(normal(postgres_alone)).connect() as connection,
        pytest.raises(sqlalchemy.exc.IntegrityError, match="never changed"),
    ):
        connection.exec_driver_sql(change)
