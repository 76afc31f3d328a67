"""docs/reliability.md promises nothing that no test tries, and forgets no test of the storm."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[1]
PAGE = (TOP / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "::" in line]
NAMED = re.compile(r"`(tests/\S+\.py)::(test_\w+)`")


def functions_in(file: Path) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.M))


def test_each_row_names_tests_that_exist() -> None:
    faults = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert faults == ROWS
    for row in ROWS:
        named = NAMED.findall(row)
        assert named, row
        for file, test in named:
            assert test in functions_in(TOP / file), f"{file}::{test}"


def test_each_test_of_the_storm_is_in_a_row() -> None:
    named = set(NAMED.findall(PAGE))
    files = set((TOP / "tests" / "storm").glob("test_*.py")) - {
        TOP / "tests" / "storm" / "test_oracles.py"
    }
    existing = {(str(file.relative_to(TOP)), test) for file in files for test in functions_in(file)}
    assert existing - named == set()
