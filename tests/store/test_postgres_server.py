"""What a PostgreSQL server does to a store: older databases, connections that it ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

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
