"""What people write in a file is YAML or JSON, wholly; an error names its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.reading.loaded import VERDICTS
from maker.reading.plans import load_file

TEXTS = frozenset({"title"})


def test_a_scalar_is_what_was_written() -> None:
    text = (
        "title: Fix issue #12 now\nn: 1.10 # a number\nb: no\nt: 12:30:45\nd: 2026-01-02\ne: # x\n"
    )
    value = {
        "title": "Fix issue #12 now",
        "n": 1.1,
        "b": "no",
        "t": "12:30:45",
        "d": "2026-01-02",
        "e": None,
    }
    assert load_file(text, TEXTS).value == value


def test_brackets_go_on_over_lines() -> None:
    loaded = load_file("🎉: [é, {a: one\n   more}, # left out\n  3]\n", TEXTS)
    assert (loaded.verdict, loaded.value) == ("clean", {"🎉": ["é", {"a": "one more"}, 3]})


def test_json_keeps_what_yaml_cannot_spell() -> None:
    assert load_file('\n{"a": "\\ud83c\\udf89",\n\t"b": 1e3}\n', TEXTS).value == {
        "a": "🎉",
        "b": 1000,
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: *x\n", "line 2: aliases"),
        ("a: 1\nb: &x 2\n", "line 2: anchors"),
        ("a: 1\nb: !!str 2\n", "line 2: anchors and tags"),
        ("a: 1\n<<: {b: 1}\n", "line 2: merged"),
        ("a: 1\n? [b]\n: 2\n", "line 2: merged and complex"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands there twice"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document"),
        ("a: 1\ntitle: Error: x\n", "line 2: mapping values are not allowed"),
        ("a:\n\tb: 1\n", "line 2: "),
        ('{"a": 1, "a": 2}', "twice"),
        ("# nothing\n", "empty"),
        ("[" * 20_000, "dee"),
        ("- " * 5_000, "deep"),
        ("- x\n" * 30_000, "more than 25000 values"),
        ("a: \x07", "control characters"),
    ],
)
def test_what_has_no_single_reading_is_refused_with_its_line(text: str, error: str) -> None:
    loaded = load_file(text, TEXTS)
    assert loaded.verdict == "unreadable"
    assert error in loaded.error


@given(st.text("ab:-?[]{},#&*!|>'\"%@`\\ \n\t\r\ud800\x85\u2028🎉", max_size=40))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert load_file(text, TEXTS).verdict in VERDICTS
