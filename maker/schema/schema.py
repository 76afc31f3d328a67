"""What a step's output is declared to be: reading the declaration, and what fits it.

Extra fields are allowed, a bool is not an int, an int passes as float. The language is in
`schema_text.py`, dotted paths are in `paths.py`, conversions of what nearly fits in `fit.py`.
"""

from __future__ import annotations

from typing import Any, assert_never

from maker.core.text import one_line
from maker.schema.text import parse_schema, render, spelled
from maker.schema.types import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
    SchemaError,
)

__all__ = [
    "Choice",
    "Fields",
    "ListOf",
    "Maybe",
    "Primitive",
    "Schema",
    "SchemaError",
    "example",
    "parse_schema",
    "problems",
    "render",
    "spelled",
]

MAX_PROBLEMS = 20


def problems(schema: Schema, value: Any) -> list[str]:
    """What keeps the value from fitting, each with its dotted path; empty where it fits."""
    found: list[str] = []
    _check(schema, value, "", found)
    return found[:MAX_PROBLEMS]


def _check(schema: Schema, value: Any, path: str, found: list[str]) -> None:
    if len(found) >= MAX_PROBLEMS:
        return
    match schema:
        case Maybe(inner):
            if value is not None:
                _check(inner, value, path, found)
        case Fields(fields) if isinstance(value, dict):
            for name, kind in fields:
                _check_field(kind, value, name, f"{path}.{name}" if path else name, found)
        case ListOf(item) if isinstance(value, list):
            for index, each in enumerate(value):
                _check(item, each, f"{path}[{index}]", found)
        case _:
            if not _fits_leaf(schema, value):
                found.append(
                    f"{path or 'the value'}: expected {one_line(render(schema), 80)},"
                    f" found {_described(value)}"
                )


def _check_field(
    kind: Schema, value: dict[str, Any], name: str, path: str, found: list[str]
) -> None:
    if name in value:
        _check(kind, value[name], path, found)
    elif not isinstance(kind, Maybe):
        found.append(f"{path}: missing")


def _fits_leaf(schema: Schema, value: Any) -> bool:
    match schema:
        case Primitive("any"):
            return True
        case Primitive("string"):
            return isinstance(value, str)
        case Primitive("bool"):
            return isinstance(value, bool)
        case Primitive("int"):
            return isinstance(value, int) and not isinstance(value, bool)
        case Primitive("float"):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Choice(words):
            return isinstance(value, str) and value in words
        case _:
            return False


def _described(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"the bool {str(value).lower()}"
        case str():
            return f"the string {one_line(value, 40)!r}"
        case int() | float():
            return f"the number {one_line(str(value), 40)}"
        case list():
            return f"a list of {len(value)}"
        case _:
            return f"a mapping with {one_line(', '.join(map(str, value)), 60) or 'no keys'}"


def placeholder(name: str) -> str:
    """What stands for a text of this name in an example."""
    return f"<{name.replace('_', ' ')}>" if name else "<text>"


def example(schema: Schema) -> Any:
    """One instance, to show in a prompt what an answer looks like."""
    return _example(schema, "")


_EXAMPLES: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True}


def _example(schema: Schema, name: str) -> Any:
    match schema:
        case Primitive("string" | "any"):
            return placeholder(name)
        case Primitive(kind):
            return _EXAMPLES[kind]
        case Choice(words):
            return words[0]
        case ListOf(item):
            return [_example(item, name[:-1] if name.endswith("s") else name)]
        case Fields(fields):
            return {field: _example(kind, field) for field, kind in fields}
        case Maybe(inner):
            return _example(inner, name)
        case _:
            assert_never(schema)
