"""A whole run on PostgreSQL by the command line, and what its triggers refuse."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from maker.cli.main import main
from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import StoreTrouble
from maker.store import migrate, rows, schema
from maker.store.location import normal
from maker.store.payloads import Packer
from maker.store.queries import Reader
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeSummary

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


@pytest.fixture
def older(postgres: str) -> Iterator[str]:
    """A database as the first version of the schema had it, with a run in it."""
    url = sqlalchemy.make_url(normal(postgres))
    server = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE maker_older")
        try:
            made = url.set(database="maker_older").render_as_string(hide_password=False)
            with migrate.transaction(made) as inner:
                config = Config(attributes={"connection": inner})
                config.set_main_option("script_location", str(migrate.scripts()))
                command.upgrade(config, "0001")
            yield made
        finally:
            connection.exec_driver_sql("DROP DATABASE maker_older WITH (FORCE)")


def test_an_older_database_is_read_as_it_is_and_upgraded_on_writing(
    older: str, log: Any, summary: Any
) -> None:
    records = log("a", "b")
    row = {**rows.summary_row(summary()), "head_seq": 2, "head_hash": records[-1].hash}
    events, _ = rows.event_rows(1, records, Packer())
    with migrate.transaction(older) as connection:
        schema.install(connection)
        connection.execute(
            schema.runs.insert(), {"run": 1, "run_id": rows.run_bytes(OLD_RUN), **row}
        )
        columns = [dict(zip(rows.EVENT_COLUMNS, row, strict=True)) for row in events]
        connection.execute(schema.events.insert(), columns)
    with Reader(older) as reader:
        assert reader.records(OLD_RUN) == records
    assert migrate.upgrade(older) is True
    assert migrate.upgrade(older) is False
    with Reader(older) as reader:
        assert reader.records(OLD_RUN) == records
    with migrate.transaction(older) as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        assert found == []
        with pytest.raises(sqlalchemy.exc.IntegrityError, match="never changed"):
            connection.exec_driver_sql("DELETE FROM events")
        connection.rollback()


async def test_a_connection_that_the_server_ends_is_trouble_and_the_next_use_opens_another(
    postgres: str, log: Callable[..., list[Record]], summary: MakeSummary
) -> None:
    run = RunId(str(uuid.uuid4()))
    store = SqlStore(postgres)
    await store.append(run, log("a"), {}, summary())
    with sqlalchemy.create_engine(normal(postgres)).connect() as other:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        ended = f"SELECT pg_terminate_backend(pid) FROM ({others} AND pid <> pg_backend_pid()) o"
        other.execute(sqlalchemy.text(ended))
    with pytest.raises(StoreTrouble):
        await store.append(run, log("b", after=log("a")), {}, summary())
    assert await store.head(run) == (1, log("a")[0].hash)
    await store.append(run, log("b", after=log("a")), {}, summary())
    await store.close()
