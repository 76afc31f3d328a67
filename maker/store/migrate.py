"""Creating the schema and bringing an older one up to date.

Alembic takes most of a second to import, so it is only loaded where there is an old schema: a
fresh one is created directly. `migrations/env.py` uses `transaction`, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from maker.errors import StoreError
from maker.store import ddl, engine, faults, files, heads, location, reading, schema, versions


def prepare(url: str) -> None:
    """Create or upgrade the database where that is needed. Raises StoreError."""
    path = location.sqlite_path(url)
    if path is not None:
        prepare_file(path)
        if versions.file_state(path) == "current":
            return
    upgrade(url)


def prepare_file(path: Path) -> None:
    """Make sure that there is a file, and that none is taken for new that has lost its content."""
    if not files.is_there(path):
        heads.clear(path)
    files.prepare(path)
    if files.is_empty(path) and heads.read(path).heads:
        raise reading.emptied(path)


def upgrade(url: str) -> bool:
    """Bring the schema to this maker's version, whole or not at all; whether anything was done.

    Triggers and views that somebody dropped are restored.
    """
    with transaction(url) as connection:
        state_of = versions.sqlite_state if _is_sqlite(connection) else versions.postgres_state
        match state_of(lambda sql: connection.exec_driver_sql(sql).one(), location.shown(url)):
            case "fresh":
                _create(connection)
            case "readable" | "old":
                _migrate(connection)
            case "current":
                return schema.restore(connection)
    return True


@contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """A transaction in which tables may be rebuilt; their references are checked at its end."""
    url = location.normal(url)
    path = location.sqlite_path(url)
    if path is not None:
        prepare_file(path)
    try:
        with engine.sync_engine(url, foreign_keys=False).begin() as connection:
            yield connection
            check = "PRAGMA foreign_key_check"
            if _is_sqlite(connection) and connection.exec_driver_sql(check).first():
                raise StoreError(
                    "the database has rows that refer to missing ones; nothing was changed",
                    advice="See `maker db check`, and restore the file from a backup.",
                )
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        raise faults.explain(cause, location.shown(url)) from error


def scripts() -> Path:
    """The folder of the migrations: inside an installed maker, or at the top of the repository."""
    installed = Path(__file__).parents[1] / "_migrations"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "migrations"


def _create(connection: Connection) -> None:
    schema.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(ddl.ALEMBIC_TABLE)
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{ddl.REVISION}')")
    schema.install(connection)


def _migrate(connection: Connection) -> None:
    # Imported here because it costs most of a second, and is hardly ever needed.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    command.upgrade(config, "head")


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
