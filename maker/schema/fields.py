"""Questions about a schema's dotted paths: what is there, what can be compared, what is long."""

from __future__ import annotations

import re
from collections.abc import Iterator

from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
)

_DOCUMENT_NAMES = frozenset(
    {
        *("article", "body", "changelog", "chapter", "code", "content", "diff", "document"),
        *("documentation", "draft", "essay", "html", "letter", "markdown", "patch", "readme"),
        *("report", "script", "section", "source", "story", "text", "transcript"),
    }
)

_PROSE_NAMES = frozenset(
    {
        *("advice", "analysis", "article", "comment", "comments", "description", "essay"),
        *("explanation", "feedback", "justification", "letter", "opinion", "rationale", "reason"),
        *("reasoning", "recommendation", "remark", "report", "story", "summary", "thoughts"),
    }
)


def is_text(kind: Schema | None) -> bool:
    """Whether a value of the type is a text, whatever it is evidence of."""
    return isinstance(kind, Primitive) and kind.name == "string"


def is_prose(schema: Schema, path: str) -> bool:
    """Whether a dotted path leads to a string named like free text, as `short_summary` is.

    A string of another name, such as `version` or `body`, may be short or exact.
    """
    kind = type_at(schema, path)
    kind = kind.inner if isinstance(kind, Maybe) else kind
    last_word = re.split(r"[\W_]+", path.lower())[-1]
    return kind == Primitive("string") and last_word in _PROSE_NAMES


def type_at(schema: Schema, path: str) -> Schema | None:
    """The type of what a dotted path finds, or None where nothing is declared there.

    A name that meets a list maps over its items (the result is a list); a number picks one item.
    """
    found: Schema | None = schema
    for name in path.split(".") if path else []:
        found = _step(found, name) if found is not None else None
    return found


def _step(schema: Schema, name: str) -> Schema | None:
    match schema:
        case Maybe(inner):
            found = _step(inner, name)
            return found if found is None or isinstance(found, Maybe) else Maybe(found)
        case Fields():
            return schema.field(name)
        case ListOf(item, ordered):
            if re.fullmatch(r"\d{1,6}", name):
                return item
            inside = _step(item, name)
            return None if inside is None else ListOf(inside, ordered)
        case Primitive("any"):
            return schema
        case _:
            return None


def comparable_fields(schema: Schema) -> list[str]:
    """Dotted paths of the fields outside of lists that two right answers have alike.

    They are those that are a bool, an int or an enumeration, a path, a line or a count.
    """
    paths = []
    for path, kind in _leaves(schema, ""):
        # A file, a line or a number is the same in all right answers; there are many quotes.
        is_place = isinstance(kind, Primitive) and kind.evidence in ("path", "line", "count")
        if path and (is_place or kind in (_BOOL, _INT) or isinstance(kind, Choice)):
            paths.append(path)
    return paths


_BOOL, _INT = Primitive("bool"), Primitive("int")


def _leaves(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    match schema:
        case Maybe(inner):
            yield from _leaves(inner, path)
        case Fields(fields):
            for name, kind in fields:
                yield from _leaves(kind, f"{path}.{name}" if path else name)
        case _:
            yield path, schema


def is_list_or_long_text(schema: Schema) -> bool:
    """Whether a right answer may be long: a list or `any`, or a string named like a document.

    A document's name has one of the words of `_DOCUMENT_NAMES` in it, as in `report_text`.
    """
    for path, kind in _leaves(schema, ""):
        if isinstance(kind, ListOf) or kind == Primitive("any"):
            return True
        words = set(re.split(r"[\W_]+", path.rpartition(".")[2].lower()))
        if is_text(kind) and words & _DOCUMENT_NAMES:
            return True
    return False
