"""Folders are floors: the contract knows every module, and catches what does not belong."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import maker

ROOT = Path(maker.__file__).parent.parent
FLOORS = (
    "core", "schema", "reading", "plan", "prompts", "tools", "steps", "agents", "workspace",
    "store", "engine",
)  # fmt: skip
PURE = FLOORS[: FLOORS.index("agents")]


def broken_contracts(tmp_path: Path, name: str, line: str) -> str:
    """What the contracts say of a copy of maker with one more module of one line."""
    shutil.copytree(ROOT / "maker", tmp_path / "maker", dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "maker" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "maker" / name).write_text(f"{line}\n", encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("floor", FLOORS)
def test_an_import_from_a_floor_above_is_caught(floor: str, tmp_path: Path) -> None:
    report = broken_contracts(tmp_path, f"{floor}/planted.py", "import maker.cli.main")
    assert f"maker.{floor}.planted -> maker.cli.main" in report


@pytest.mark.slow
@pytest.mark.parametrize("floor", PURE)
def test_io_on_a_pure_floor_is_caught(floor: str, tmp_path: Path) -> None:
    report = broken_contracts(tmp_path, f"{floor}/planted.py", "import subprocess")
    assert f"maker.{floor}.planted -> subprocess" in report


@pytest.mark.slow
def test_a_folder_that_is_no_floor_is_caught(tmp_path: Path) -> None:
    assert "planted" in broken_contracts(tmp_path, "planted/__init__.py", "import maker.errors")


def test_no_production_code_imports_the_demonstration() -> None:
    allowed = ("maker/demo/", "maker/cli/demo.py")
    for path in (ROOT / "maker").rglob("*.py"):
        if not str(path.relative_to(ROOT)).startswith(allowed):
            assert "maker.demo" not in path.read_text(encoding="utf-8"), path


ROWS = (
    ("errors",), ("core",), ("schema", "reading"), ("plan", "prompts", "tools"), ("steps",),
    ("agents",), ("workspace", "store"), ("engine",), ("app", "events"), ("inspect",),
    ("demo", "cli"),
)  # fmt: skip
"""The floors as `CONTRIBUTING.md` lists them, bottom up."""
ROW_OF = {floor: number for number, floors in enumerate(ROWS) for floor in floors}
WHOLE = {"corpus", "golden", "runs", "sdk", "storm"}
"""Folders of tests of more than one floor."""


def floors_needed_by(path: Path) -> Iterator[str]:
    """The floors whose modules a test imports; one that plays a whole run needs the engine."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "fakes":
            yield from {"engine" for alias in node.names if alias.name == "play"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("maker."):
            yield str(node.module).split(".")[1]


def test_the_tests_of_a_floor_need_none_above_it() -> None:
    for folder in (ROOT / "tests").iterdir():
        tests = sorted(folder.glob("test_*.py"))
        if folder.name in WHOLE or not tests:
            continue
        assert folder.name in ROW_OF, f"{folder} is no floor, and not listed in WHOLE"
        for path in tests:
            above = {f for f in floors_needed_by(path) if ROW_OF[f] > ROW_OF[folder.name]}
            assert not above, f"{path} needs {above}: it belongs there, or to tests/runs"
