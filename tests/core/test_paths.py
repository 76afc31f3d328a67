"""Dotted paths into outputs: what they lead to, whatever is there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.paths import look_up

FILES = {"files": [{"name": "a", "tags": [{"t": 1}, {"t": 2}]}, {"name": "b", "tags": []}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", FILES),
        ("files.name", ["a", "b"]),
        ("files.0.name", "a"),
        ("files.7", None),
        ("files.tags.t", [[1, 2], []]),
        ("files.name.nothing", [None, None]),
        ("nothing.at.all", None),
    ],
)
def test_a_name_maps_over_a_list_and_a_number_picks_from_it(path: str, expected: Any) -> None:
    assert look_up(FILES, path) == expected


@given(JSON, st.text("abc.0123456789²", max_size=12))
def test_no_path_into_any_value_raises(value: Any, path: str) -> None:
    look_up(value, path)
