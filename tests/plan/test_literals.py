"""The literals of an instruction: found, and looked for word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.plan.literals import literals, lost


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Fetch https://a.example/x?y=1, then stop.", ["https://a.example/x?y=1"]),
        ('Replace "old name" by `new`', ["old name", "new"]),
        ("Read src/app.py and README.md.", ["src/app.py", "README.md"]),
        ("Look at /etc/hosts and ~/notes", ["/etc/hosts", "~/notes"]),
        ("Give 3 of 1,000 at version 1.4.0", ["3", "1,000", "1.4.0"]),
        ("Don't say and/or, e.g. he/she", []),
        ("All *.md files in docs/", ["*.md", "docs/"]),
        ("The user's file isn't 'that one'", ["that one"]),
        ("Summarise it", []),
    ],
)
def test_literals_of_an_instruction_are_found(instruction: str, expected: list[str]) -> None:
    assert sorted(literals(instruction)) == sorted(expected)


@pytest.mark.parametrize(
    ("literal", "text", "is_there"),
    [
        ("3", "exactly 3 lines", True),
        ("3", "exactly three lines", True),
        ("3", "exactly 13 lines", False),
        ("3", "version 3.1", False),
        ("3", "stop at 3.", True),
        ("README.md", "read readme.md", True),
        ("1.4.0", "set 1.4.0", True),
        ("1.4.0", "set 1.4.01", False),
    ],
)
def test_a_literal_is_kept_word_for_word(literal: str, text: str, is_there: bool) -> None:
    assert lost([literal], text) == ([] if is_there else [literal])


@given(st.text(max_size=200))
def test_every_literal_of_a_text_is_kept_by_the_text(text: str) -> None:
    assert lost(literals(text), text) == []
