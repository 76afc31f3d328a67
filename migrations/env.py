"""Runs the migrations, on the connection that maker gives or on the database of `-x url=`.

SQLite drops the triggers of a table that a migration rebuilds, and refuses to rebuild what a view
shows. So all of them are dropped before, and recreated after the newest revision is reached.
"""

from __future__ import annotations

import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from maker.store import ddl, location, migrate, schema


def run(connection: Connection) -> None:
    schema.uninstall(connection)
    context.configure(connection=connection, target_metadata=schema.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    if context.get_context().get_current_revision() == ddl.REVISION:
        schema.install(connection)


def run_on_own_connection() -> None:
    option = context.get_x_argument(as_dictionary=True).get("url")
    with migrate.transaction(location.database_url(option, os.environ)) as connection:
        run(connection)


if context.is_offline_mode():
    raise CommandError("maker migrates a live database only: --sql is not supported")
given = context.config.attributes.get("connection")
if given is None:
    run_on_own_connection()
else:
    run(given)
