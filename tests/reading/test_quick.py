"""The quick reader says what the long way says, or nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secret_examples import fifty

from maker.core.text import plain
from maker.reading.answers import load, load_any
from maker.reading.loaded import Loaded
from maker.reading.quick import quick
from maker.schema.schema import parse_schema, problems

SCHEMA = parse_schema("{done: bool, n: int?, word: a|b, names: [string], at: {x: int, y: string?}}")
FIELDS = ("done", "n", "word", "names", "at", "x", "y", "other", "cannot", "output")

strings = st.text(max_size=20) | st.sampled_from(
    [
        "none",
        "no",
        "1",
        ":",
        '"',
        "{",
        "a: b",
        "# c",
        "...",
        "C:\\new",
        "\u2028",
        "\ud800",
        "sk-ant-",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | strings
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
fitting = st.fixed_dictionaries(
    {
        "done": st.booleans(),
        "n": st.none() | st.integers(),
        "word": st.sampled_from("ab"),
        "names": st.lists(strings, max_size=3),
        "at": st.fixed_dictionaries({"x": st.integers(), "y": st.none() | strings}),
    }
)


def written(value: Any, *, ascii: bool, indent: int | None, around: str) -> str:
    return around.replace("_", json.dumps(value, ensure_ascii=ascii, indent=indent), 1)


texts = st.builds(
    written,
    fitting | values,
    ascii=st.booleans(),
    indent=st.sampled_from([None, 1]),
    around=st.sampled_from(["_", "_\n", " _", "Here: _", "```json\n_\n```", "_ or _", "\ufeff_"]),
)


def as_exact(loaded: Loaded) -> Loaded:
    return msgspec.structs.replace(loaded, is_exact=True)


@given(texts)
def test_it_says_what_the_long_way_says_or_nothing(text: str) -> None:
    found = quick(text, SCHEMA)
    if found is not None:
        assert found == as_exact(load_any(text, SCHEMA))
        assert problems(SCHEMA, found.value) == []
        assert plain(found.value) == found.value
        assert json.dumps(found.value) == json.dumps(load_any(text, SCHEMA).value)
    assert as_exact(load(text, SCHEMA)) == as_exact(load_any(text, SCHEMA))


@given(fitting, st.sampled_from(FIELDS), scalars)
def test_a_field_that_is_written_twice_goes_the_long_way(
    value: dict[str, Any], name: str, again: Any
) -> None:
    text = f"{json.dumps(value)[:-1]}, {json.dumps(name)}: {json.dumps(again)}}}"
    assert quick(text, SCHEMA) is None


def test_a_reply_that_is_as_it_was_asked_for_is_read_at_once() -> None:
    text = '{"done": true, "n": 3, "word": "b", "names": ["x y"], "at": {"x": 1, "y": null}}'
    found = quick(text, SCHEMA)
    assert found is not None
    assert (found.verdict, found.value) == ("clean", json.loads(text))


@pytest.mark.parametrize("name", fifty())
def test_a_credential_goes_the_long_way(name: str) -> None:
    schema, text = parse_schema("{answer: string}"), json.dumps({"answer": fifty()[name].text})
    assert as_exact(load(text, schema)) == as_exact(load_any(text, schema))
