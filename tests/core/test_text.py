"""Text at the entrances: valid, finite, safe to print."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.text import clean, one_line, plain, terminal_safe


@given(st.text() | st.text(st.characters(categories=["Cs"])))
def test_cleaned_text_is_valid_utf_8(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned) == len(text)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | finite | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_a_plain_value_survives_json(value: object) -> None:
    copied = plain(value)
    assert json.loads(json.dumps(copied, allow_nan=False)) == copied


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, float("nan")]}, r"a\[1\] is nan"),
        ({"a": {1: 2}}, "a has the key 1"),
        ({"a": object()}, "a is a object"),
        ({"n": 10**1200}, "n is an integer of over 1000 digits"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_path(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ValueError, match="nests deeper"):
        plain(ring)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x1b]52;c;never ended\nb", "a52;c;never ended\nb"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("a\u200bb\u2066c\ufeff", "abc"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("tab\tstays, bell\x07 goes, \x9b31m too", "tab\tstays, bell goes, 31m too"),
        ("\ud800", "\ufffd"),
    ],
)
def test_text_cannot_command_a_terminal(text: str, safe: str) -> None:
    assert terminal_safe(text) == safe


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert terminal_safe(line) == line
