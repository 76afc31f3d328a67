"""Block YAML: where YAML is certain we read what a YAML library reads; elsewhere we are lenient."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from maker.reading.answers import load
from maker.reading.plans import load_mapping
from maker.schema.schema import parse_schema

keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
texts = st.text(
    st.characters(max_codepoint=0x2FF, exclude_categories=["Cc", "Cf"], exclude_characters="\xa0")
    | st.just("\n"),
    max_size=40,
).filter(lambda text: not re.fullmatch(r"[-+.0-9eE]+|0[ox][0-9a-fA-F]+", text))
"""Without the numbers of YAML 1.2 that the library, which has 1.1, writes without quotes."""
values = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | texts | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
mappings = st.dictionaries(keys, values, min_size=1, max_size=5)
options: dict[str, Any] = {"allow_unicode": True, "sort_keys": False, "width": 60}


@given(mappings)
def test_block_yaml_of_a_library_is_read_back(mapping: dict[str, Any]) -> None:
    text = yaml.safe_dump(mapping, default_flow_style=False, **options)
    assert load_mapping(text, frozenset()).value == mapping, text


@given(mappings)
def test_half_flow_yaml_of_a_library_is_read_back(mapping: dict[str, Any]) -> None:
    nested = {"items": [mapping], "last": 1}
    text = yaml.safe_dump(nested, default_flow_style=None, **options)
    assert load_mapping(text, frozenset()).value == nested, text


@given(
    st.lists(st.text("ab:# -|>'\"\t", max_size=12), max_size=6),
    st.sampled_from(["|", "|-", "|+", ">", ">-", ">+", "|2", ">2"]),
    st.integers(2, 4),
)
def test_text_blocks_are_read_as_a_library_reads_them(
    lines: list[str], header: str, indent: int
) -> None:
    body = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines)
    text = f"key: {header}\n{body}last: 1\n"
    try:
        expected = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError:
        return
    if isinstance(expected, dict) and isinstance(expected.get("key"), str):
        assert load_mapping(text, frozenset()).value == expected


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_a_declared_string_on_one_line_keeps_its_text(text: str) -> None:
    line = text.strip()
    if not line or line[0] in "\"'|>" or " ".join(line.split()) != line:
        return
    loaded = load(f"title: {line}\nn: 1\n", parse_schema("{title: string, n: int}"))
    assert loaded.verdict in ("clean", "normalised")
    assert loaded.value == {"title": line, "n": 1}


@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1)
)
def test_a_declared_string_in_a_list_keeps_its_text(items: list[str]) -> None:
    items = [item for item in items if item[0] not in "\"'|>#" and item != "-"]
    if not items:
        return
    text = "items:\n" + "".join(f"  - {item}\n" for item in items)
    loaded = load(text, parse_schema("{items: [string]}"))
    assert loaded.value == {"items": items}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2\n", "line 2"),
        ("a:\n  b: 1\n   c: 2\n", "line 2"),
        ("a: 1\n  b: 2\n", "line 1"),
        ("just prose\n", "no JSON object or YAML mapping"),
        ("a: *x\n", "aliases"),
        ("", "empty"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, line: str) -> None:
    loaded = load_mapping(text, frozenset())
    assert loaded.verdict not in ("clean", "extracted", "normalised")
    assert line in (loaded.error or "; ".join(loaded.notes))
