"""Types whose values a program checks: how they are spelled, and what they claim."""

from __future__ import annotations

import pytest

from maker.core.checking import Claim
from maker.schema.claims import claims, evidence_in
from maker.schema.fields import comparable_fields, is_prose
from maker.schema.schema import Fields, Primitive, SchemaError, parse_schema, problems, render

FINDINGS = (
    "{findings: [{file: path, line: line of file, code: quote of file}], many: count of findings}"
)


@pytest.mark.parametrize(
    "text",
    [
        "{file: path}",
        "{file: path?, at: [line of file]?}",
        "{pages: [url]}",
        '{"the file": path, line: line of "the file"}',
        FINDINGS,
    ],
)
def test_what_is_spelled_is_read_back(text: str) -> None:
    assert render(parse_schema(text)) == text


def test_in_an_enumeration_the_names_of_the_types_are_words_like_others() -> None:
    schema = parse_schema('{kind: path|line|url, only: "path"}')
    assert problems(schema, {"kind": "line", "only": "path"}) == []
    assert evidence_in(schema) == frozenset()


def test_a_field_may_be_named_like_a_type() -> None:
    schema = parse_schema("{path: path, line: line of path, count: int, of: string}")
    assert isinstance(schema, Fields)
    assert schema.field("line") == Primitive("int", "line", "path")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{line: line of file}", "file is no path in the same mapping"),
        ("{file: string, line: line of file}", "file is no path in the same mapping"),
        ("{file: path, all: [{line: line of file}]}", "file is no path in the same mapping"),
        ("{n: count of items}", "items is no list in the same mapping"),
        ("{items: string, n: count of items}", "items is no list in the same mapping"),
        ("{file: path, line: line}", "'of' and a field"),
        ("{file: path, line: line of}", "the name of a field"),
    ],
)
def test_evidence_about_what_cannot_bear_it_is_refused(text: str, what: str) -> None:
    with pytest.raises(SchemaError, match=what):
        parse_schema(text)


def test_each_declared_value_is_a_claim_with_what_it_is_about() -> None:
    found = {"file": "a.py", "line": 3, "code": "x = 1"}
    assert list(claims(parse_schema(FINDINGS), {"findings": [found], "many": 2})) == [
        Claim(where="findings[0].file", evidence="path", value="a.py"),
        Claim(where="findings[0].line", evidence="line", value=3, of="a.py"),
        Claim(where="findings[0].code", evidence="quote", value="x = 1", of="a.py"),
        Claim(where="many", evidence="count", value=2, of=1),
    ]


def test_null_claims_nothing() -> None:
    schema = parse_schema("{file: path?, line: line of file?}")
    assert list(claims(schema, {"file": None, "line": None})) == []


def test_places_are_compared_and_quotes_are_not() -> None:
    schema = parse_schema(
        "{file: path, line: line of file, text: quote of file, page: url, all: [int], "
        "n: count of all}"
    )
    assert comparable_fields(schema) == ["file", "line", "n"]


def test_a_quote_is_no_free_text() -> None:
    assert not is_prose(parse_schema("{file: path, reason: quote of file}"), "reason")
    assert is_prose(parse_schema("{reason: string}"), "reason")
