"""The schema language: what it accepts, what fits it, and what its paths find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.schema.fields import comparable_fields, is_list_or_long_text, type_at
from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
    SchemaError,
    example,
    parse_schema,
    problems,
    render,
    spelled,
)

words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
odd_words = st.text(st.characters(exclude_characters="\n'\"", codec="utf-8"), max_size=6)
schemas: st.SearchStrategy[Schema] = st.recursive(
    st.sampled_from([Primitive(p) for p in ("string", "int", "float", "bool", "any")])
    | st.lists(words | odd_words, min_size=1, max_size=4, unique=True).map(
        lambda found: Choice(tuple(found))
    ),
    lambda inner: (
        inner.map(ListOf)
        | inner.filter(lambda kind: not isinstance(kind, Maybe)).map(Maybe)
        | st.dictionaries(words | odd_words, inner, max_size=4).map(
            lambda fields: Fields(tuple(fields.items()))
        )
    ),
    max_leaves=8,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(schemas)
def test_a_rendered_schema_is_read_back_as_itself(schema: Schema) -> None:
    assert parse_schema(render(schema)) == schema


@given(schemas)
def test_the_example_of_a_schema_fits_it(schema: Schema) -> None:
    assert problems(schema, example(schema)) == []


@given(st.text(alphabet="{}[]:,|?\"' abstringint\n0-", max_size=40))
def test_any_text_is_a_schema_or_an_error_with_a_position(text: str) -> None:
    try:
        schema = parse_schema(text)
    except SchemaError as error:
        position = error.position
    else:
        position = 0
        assert parse_schema(render(schema)) == schema
    assert 0 <= position <= len(text)


@given(schemas, json_values)
def test_checking_any_value_never_raises(schema: Schema, value: object) -> None:
    assert all(": " in problem for problem in problems(schema, value))


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("strng", 0, "expected string"),
        ("{a: string", 10, "',' or '}'"),
        ("{a string}", 3, "':'"),
        ("{a: int, a: int}", 9, "not used yet"),
        ("string|null", 0, "T?"),
        ("a|null", 2, "T?"),
        ("true|false", 0, "write bool"),
        ("{a: int}}", 8, "the end"),
        ("a||b", 2, "a word"),
        ("$", 0, "unexpected '$'"),
        ("", 0, "a type"),
        ("[" * 100 + "int" + "]" * 100, 25, "at most"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, position: int, expected: str) -> None:
    with pytest.raises(SchemaError, match=r".") as caught:
        parse_schema(text)
    assert expected in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("{n: int}", {"n": True}, "n: expected int, found the bool true"),
        ("{n: float}", {"n": 1}, ""),
        ("{n: int}", {"n": 1.0}, "n: expected int, found the number 1.0"),
        ("{n: int?}", {}, ""),
        ("{n: int}", {}, "n: missing"),
        (
            "{a: {b: [string]}}",
            {"a": {"b": ["x", 1]}},
            "a.b[1]: expected string, found the number 1",
        ),
        ("{v: yes|no}", {"v": "Yes"}, "v: expected yes|no, found the string 'Yes'"),
        ("{n: int}", {"n": 1, "extra": None}, ""),
        ("{n: int}", [1], "the value: expected {n: int}, found a list of 1"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(schema: str, value: object, problem: str) -> None:
    assert problems(parse_schema(schema), value) == ([problem] if problem else [])


def test_a_path_through_a_list_maps_over_its_items() -> None:
    schema = parse_schema("{files: [{name: string, sizes: [int]}], any: any, o: {x: bool}?}")
    assert type_at(schema, "files.name") == ListOf(Primitive("string"))
    assert type_at(schema, "files.0.name") == Primitive("string")
    assert type_at(schema, "files.sizes") == ListOf(ListOf(Primitive("int")))
    assert type_at(schema, "any.what.ever") == Primitive("any")
    assert type_at(schema, "o.x") == Maybe(Primitive("bool"))
    assert type_at(schema, "") == schema
    assert type_at(schema, "files") is not None
    assert type_at(schema, "files.nothing") is None
    assert type_at(schema, "o.x.y") is None


def test_only_bools_ints_and_enumerations_outside_of_lists_are_comparable() -> None:
    schema = parse_schema("{a: string, b: int?, c: [{d: bool}], e: {f: x|y, g: float}, h: bool}")
    assert comparable_fields(schema) == ["b", "e.f", "h"]


@pytest.mark.parametrize(
    ("schema", "long"),
    [
        ("{n: int, reason: string}", False),
        ("{files: [string]}", True),
        ("{o: {l: [int]}?}", True),
        ("{report_text: string}", True),
        ("{content: string}", True),
        ("{contents: int}", False),
        ("{x: any}", True),
    ],
)
def test_lists_and_documents_may_be_long(schema: str, long: bool) -> None:
    assert is_list_or_long_text(parse_schema(schema)) is long


def test_a_structure_is_spelled_as_a_schema() -> None:
    given_as_yaml = {"n": "int", "files": [{"name": "string?"}], "kind": "a|b"}
    assert spelled(given_as_yaml) == "{n: int, files: [{name: string?}], kind: a|b}"
