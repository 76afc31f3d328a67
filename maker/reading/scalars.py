"""Scalars that still know how they were written, and what YAML 1.2's core schema makes of them."""

from __future__ import annotations

import math
import re
from typing import Any

from maker.core.text import MAX_INT_DIGITS
from maker.reading.loaded import Unreadable


class Plain(str):
    """An unquoted scalar with all of its text, a comment's too.

    `why` says why YAML would not take it: it stands only where a string is declared, and is a
    guess elsewhere. `refused`: elsewhere it is not read at all (aliases, anchors, tags).
    """

    why: str
    refused: bool

    def __new__(cls, text: str, why: str = "", refused: bool = False) -> Plain:
        plain = super().__new__(cls, text)
        plain.why = why
        plain.refused = refused
        return plain


class RawFloat(float):
    """A JSON number with a fraction or an exponent, and its digits."""

    raw: str

    def __new__(cls, text: str) -> RawFloat:
        number = super().__new__(cls, text)
        number.raw = text
        return number


class TextMap(dict[str, Any]):
    """A mapping whose source text would be a string just as well."""

    raw: str | None = None


class TextList(list[Any]):
    """A list whose source text would be a string just as well."""

    raw: str | None = None


NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|0o(?P<oct>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
_COMMENT = re.compile(r"(?:^|[ \t])#")


def uncommented(text: str) -> str:
    """The text without a comment at the end of its first line."""
    found = _COMMENT.search(text)
    return text[: found.start()].rstrip(" \t") if found else text.strip(" \t")


def resolved(plain: Plain) -> Any:
    """What the core schema makes of an unquoted scalar. Raises Unreadable where it is refused."""
    if plain.refused:
        raise Unreadable(plain.why)
    text = str(plain) if plain.why else uncommented(plain)
    if text in NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    found = _NUMBER.fullmatch(text)
    return number(found) if found else text


def number(found: re.Match[str]) -> int | float:
    """The value of a matched number. Raises Unreadable where it is out of range."""
    digits = found.group()
    if len(digits) > MAX_INT_DIGITS:
        raise Unreadable(f"a number of more than {MAX_INT_DIGITS} digits")
    if found["int"]:
        return int(digits)
    if found["oct"] or found["hex"]:
        return int(digits, 0)
    value = float(digits)
    if not math.isfinite(value):
        raise Unreadable(f"the number {digits} is out of range")
    return value


def as_number(text: str) -> int | float | None:
    """The decimal number that the text is, or None."""
    found = _NUMBER.fullmatch(text)
    return number(found) if found and (found["int"] or found["float"]) else None
