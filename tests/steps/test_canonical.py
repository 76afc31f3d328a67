"""What counts as the same answer, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.schema.schema import parse_schema
from maker.steps.canonical import compared, differing, reordered, text_meaning

FOLDER = "/home/u/project"
EQUAL = [
    ("string", "a b", " a  b\n"),
    ("string", "x", '"x"'),
    ("string", "x", "`x`"),
    ("string", "x", "“x”"),
    ("string", "main", "main()"),
    ("string", "main", "`main()`."),
    ("string", "It works", "It works."),
    ("string", "src/a.py", "./src/a.py"),
    ("string", "src/a.py", f"{FOLDER}/src/a.py"),
    ("string", "src", "src/"),
    ("string", "caf\u00e9", "cafe\u0301"),
    ("yes|no", "yes", "YES"),
    ("float", 1, 1.0),
    ("int?", None, None),
    ("string?", None, ""),
    ("string?", None, "none"),
    ("string?", None, "None."),
    ("a|b?", None, "none"),
    ("[string]", ["a", "b"], ["b", "./a"]),
    ("[[int]]", [[1, 2], [3]], [[3], [2, 1]]),
    ("[{n: int, s: string}]", [{"n": 1, "s": "x"}, {"n": 2, "s": "y"}],
     [{"s": "`y`", "n": 2}, {"n": 1, "s": "x."}]),
    ("{a: string?}", {"a": None}, {}),
    ("{caf\u00e9: int}", {"caf\u00e9": 1}, {"caf\u00e9": 1}),
    ("any", {"a": 1.0, "b": [1]}, {"b": [1], "a": 1}),
]  # fmt: skip
DIFFERENT = [
    ("string", "x", "X"),
    ("string", "a", "b"),
    ("string", "1", "1.0"),
    ("string", "a/b.py", "b.py"),
    ("string", "https://x.org/a", "https://x.org/b"),
    ("string", "", "none"),
    ("string", "'", '"'),
    ('"none"|some?', None, "none"),
    ("bool", True, False),
    ("any", True, 1),
    ("any", [1, 2], [2, 1]),
    ("any", "x", "`x`"),
    ("[int]!", [1, 2], [2, 1]),
    ("[[int]!]", [[1, 2], [3]], [[2, 1], [3]]),
    ("[int]", [1, 1, 2], [1, 2, 2]),
    ("[int]", [1], [1, 1]),
    ("float", 1.0, 1.5),
]


def pair(kind: str, one: Any, other: Any) -> tuple[str, str]:
    schema = parse_schema(f"{{v: {kind}}}")
    return tuple(compared({"v": value}, schema, ["v"], FOLDER) for value in (one, other))  # type: ignore[return-value]


@pytest.mark.parametrize(("kind", "one", "other"), EQUAL)
def test_answers_that_mean_the_same_are_equal(kind: str, one: Any, other: Any) -> None:
    first, second = pair(kind, one, other)
    assert first == second


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_answers_that_mean_something_else_are_not(kind: str, one: Any, other: Any) -> None:
    first, second = pair(kind, one, other)
    assert first != second


@given(st.text())
def test_a_text_that_has_something_never_loses_all_and_is_settled_at_once(text: str) -> None:
    settled = text_meaning(text, FOLDER)
    assert text_meaning(settled, FOLDER) == settled
    assert bool(settled) is bool(text.split())


@pytest.mark.parametrize("text", [".", "...", "/", "./", "()", '""', "''", "``", "..", "a..", "/."])
def test_a_text_of_nothing_but_signs_stays(text: str) -> None:
    assert text_meaning(text) == text


def test_fields_that_were_not_compared_and_differ_are_named() -> None:
    schema = parse_schema("{ok: bool, files: [string], note: string}")
    outputs = [
        {"ok": True, "files": ["a", "b"], "note": "x"},
        {"ok": True, "files": ["b", "a"], "note": "y"},
    ]
    assert differing(outputs, schema, ["ok"]) == ["note"]
    assert differing(outputs, schema, ["ok", "note"]) == []
    assert reordered(outputs, schema, ["files", "ok"]) == ["files"]
