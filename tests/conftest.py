"""What every test gets: a home of its own, so that nothing is ever written to a user's store."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

_HOME = tempfile.TemporaryDirectory(prefix="maker-tests-", ignore_cleanup_errors=True)
# Set at import: tests outside of this folder (the seed's) are covered by it, too.
os.environ["MAKER_HOME"] = _HOME.name
os.environ.pop("MAKER_DATABASE_URL", None)


@pytest.fixture(autouse=True)
def maker_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh MAKER_HOME for each test."""
    home = tmp_path / "maker-home"
    monkeypatch.setenv("MAKER_HOME", str(home))
    return home
