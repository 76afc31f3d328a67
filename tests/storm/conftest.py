"""What the storm's tests share: a place, its size, and the figures that are printed at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from maker.core import events as e
from storm.harness import Storm, task

if sys.platform != "linux":  # processes are looked at in /proc, and waited for by pidfd
    collect_ignore_glob = ["test_*.py"]


Count = Callable[[str, int], None]
Undisturbed = Callable[[int], list[e.Event]]


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Adds to the figures that are printed when the tests are over."""

    def add(name: str, number: int) -> None:
        request.node.user_properties.append((f"storm: {name}", number))

    return add


@pytest.fixture(scope="session")
def size() -> int:
    """How many kills, seeds or places a test tries: `MAKER_STORM`, by default few."""
    return int(os.environ.get("MAKER_STORM", "20"))


@pytest.fixture
def storm(tmp_path: Path) -> Storm:
    """A database of its own."""
    return Storm(tmp_path / "storm")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The events of the task with a seed when nothing happens to it."""

    @cache
    def carried_out(seed: int) -> list[e.Event]:
        storm = Storm(tmp_path_factory.mktemp("undisturbed"))
        session = storm(*task(seed))
        assert session.status == 0, session.err
        return storm.log(session.run)

    return carried_out
