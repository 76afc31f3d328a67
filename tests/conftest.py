"""What every test gets: a home of its own, so that nothing is ever written to a user's store."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy
from hypothesis import settings

import postgres_server
from maker.store.location import normal

_HOME = tempfile.TemporaryDirectory(prefix="maker-tests-", ignore_cleanup_errors=True)
# Set at import: tests outside of this folder (the seed's) are covered by it, too.
os.environ["MAKER_HOME"] = _HOME.name
os.environ.pop("MAKER_DATABASE_URL", None)


# Deadlines measure the machine, not the program. In CI the searches go deeper, and the same way
# each time.
settings.register_profile("quick", max_examples=15, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None, derandomize=True)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")


SDK_BY_DEFAULT = 2
"""So many tests of a file start the real CLI where nobody asks for more; in CI all of them do."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave most tests of the real CLI to CI, and to whoever names them, or asks for `-m sdk`."""
    is_named = any("::" in argument for argument in config.args)
    if os.environ.get("CI") or is_named or "sdk" in config.option.markexpr:
        return
    begun: Counter[Path] = Counter()
    left_out = []
    for item in [item for item in items if item.get_closest_marker("sdk")]:
        begun[item.path] += 1
        if begun[item.path] > SDK_BY_DEFAULT:
            left_out.append(item)
            items.remove(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have counted, summed up over all of them."""
    figures: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, number in report.user_properties:
                    if isinstance(number, int):
                        figures[name] += number
    for name, number in sorted(figures.items()):
        terminalreporter.write_line(f"{name}: {number}")


@pytest.fixture(autouse=True)
def maker_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh MAKER_HOME for each test."""
    home = tmp_path / "maker-home"
    monkeypatch.setenv("MAKER_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL database: the one that MAKER_TEST_POSTGRES names, or on a server of our own."""
    if url := os.environ.get("MAKER_TEST_POSTGRES"):
        yield url
        return
    programs = postgres_server.programs()
    if programs is None:
        _lacking("no PostgreSQL server is installed, and MAKER_TEST_POSTGRES names none")
    if importlib.util.find_spec("psycopg") is None:
        _lacking("psycopg is missing: uv sync --extra postgres")
    with postgres_server.started(programs) as url:
        yield url


@pytest.fixture
def postgres_alone(postgres: str) -> Iterator[str]:
    """A PostgreSQL database in which there is nothing else."""
    server = sqlalchemy.create_engine(normal(postgres), isolation_level="AUTOCOMMIT")
    name = f"maker_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


def _lacking(reason: str) -> NoReturn:
    """Skip what cannot run here; where it must run, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
