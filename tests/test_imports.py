"""Who may import whom, and what a command costs to start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "maker").rglob("*.py"))
PLAN = str(ROOT / "tests" / "storm" / "plan.yaml")


def test_every_file_imports_only_from_layers_below_it() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_inner_packages_are_only_folders() -> None:
    for source in SOURCES:
        if source.name == "__init__.py" and source.parent != ROOT / "maker":
            assert source.read_text() == "", source


def test_only_the_live_agent_imports_the_sdk() -> None:
    importing = {str(p.relative_to(ROOT)) for p in SOURCES if "claude_agent_sdk" in imported(p)}
    assert importing <= {"maker/agents/runner.py"}


def test_every_module_says_in_a_docstring_why_it_exists() -> None:
    for source in SOURCES:
        if source.read_text():
            docstring = ast.get_docstring(ast.parse(source.read_text())) or ""
            assert 1 <= len([line for line in docstring.splitlines() if line]) <= 5, source


def test_no_test_uses_a_mock_library() -> None:
    for test in (ROOT / "tests").rglob("*.py"):
        assert not {"mock", "unittest", "pytest_mock"} & imported(test), test


@pytest.mark.parametrize(
    ("args", "unwanted"),
    [
        (["--help"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "msgspec", "yaml"}),
        (["history"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml", "aiosqlite"}),
        (["db", "check"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich"}),
        (["doctor"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich"}),
        (["demo", "--help"], {"alembic", "claude_agent_sdk", "rich", "sqlalchemy"}),
        (["run", "--help"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml"}),
        (["resume", "--help"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml"}),
        (["cancel", "--help"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml"}),
        (["pause", "--help"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml"}),
        (["show", "@last"], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich", "yaml"}),
        (["plan", "--check", PLAN], {"sqlalchemy", "alembic", "claude_agent_sdk", "rich"}),
    ],
)
def test_a_command_loads_only_what_it_needs(args: list[str], unwanted: set[str]) -> None:
    script = (
        f"import sys; from maker.cli.main import main; main({args});"
        f"print(sorted({unwanted} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def imported(source: Path) -> set[str]:
    """The top names of everything that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
