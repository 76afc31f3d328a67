"""A reply that is just what was asked for is read at once: one JSON object of the declared types.

It says what the long way says, or nothing: whatever could be read in another way goes that way.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from maker.core.redaction import redact
from maker.reading.loaded import Loaded
from maker.schema.schema import Choice, Fields, ListOf, Maybe, Primitive, Schema

LONGEST = 100_000
_LARGEST = 2**53
_decode = msgspec.json.Decoder().decode


def quick(text: str, schema: Schema | None) -> Loaded | None:
    """What `load` makes of such a reply; None for every other text."""
    if not (isinstance(schema, Fields) and text[:1] == "{" and text[-1:] == "}"):
        return None
    if "\\" in text or "\r" in text or len(text) > LONGEST:
        return None
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None
    # A name that is written twice has a colon of its own, too.
    if _names(value, schema) != text.count(":"):
        return None
    return Loaded(verdict="clean", value=value, is_exact=True)


def _names(value: Any, schema: Schema) -> int:
    """How many names of fields are in a value that is just as declared; far below 0 in another."""
    match schema:
        case Fields(fields):
            if type(value) is not dict or len(value) != len(fields):
                return _OTHER
            names = (_names(value.get(name, _MISSING), kind) for name, kind in fields)
            return len(fields) + sum(names)
        case ListOf(item):
            return sum(_names(each, item) for each in value) if type(value) is list else _OTHER
        case Primitive("int"):
            return 0 if type(value) is int and -_LARGEST < value < _LARGEST else _OTHER
        case Primitive("bool"):
            return 0 if type(value) is bool else _OTHER
        case Primitive("string"):
            return 0 if type(value) is str and not _is_doubtful(value) else _OTHER
        case Choice(words):
            return 0 if type(value) is str and value in words else _OTHER
        case Maybe(inner):
            return 0 if value is None else _names(value, inner)
        case _:
            return _OTHER


def _is_doubtful(text: str) -> bool:
    """Whether somebody has to look at the text twice: a credential, a placeholder, an elision."""
    return "<" in text or _ELIDED.search(text) is not None or redact(text) != text


_ELIDED = re.compile(r"(?i)[.…]{2}|more|other|etc|so on|//|/\*|#|or|wrong|bad|invalid|incorrect|:")
_OTHER, _MISSING = -(10**9), object()
