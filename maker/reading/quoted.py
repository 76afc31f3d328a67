"""Quoted strings: JSON's escapes, and what models write that is none."""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

from maker.reading.json_text import TooDeep

MAX_INNER_QUOTES = 1_000
MAX_ESCAPES = 100_000
"""More of these in a string that strict JSON refuses are no slip of a model."""
CLOSING = {'"': '"', "'": "'", "“": "”", "”": "”", "„": "“"}
"""The characters that open a string, and what closes it."""

_DOUBLE = re.compile(r'"([^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+)(?:"|\Z)', re.DOTALL)
_SINGLE = re.compile(r"'([^'\\]*+(?:(?:''|\\(?:.|\Z))[^'\\]*+)*+)(?:'|\Z)", re.DOTALL)
_SINGLE_YAML = re.compile(r"'([^']*+(?:''[^']*+)*+)(?:'|\Z)")
_TYPOGRAPHIC = re.compile(r'[“”„]([^“”„"\\]*+)(?:[“”"]|\Z)')
_AFTER = re.compile(r"\s*+(?:[,:}\]]|\Z|//|#|\n)")
_JSON = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_YAML = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U00[01][0-9a-fA-F]{5}|.)", re.DOTALL)
_ESCAPED_BREAK = re.compile(r"(?<!\\)((?:\\\\)*)\\\n[ \t]*")
_BREAK = re.compile(r"[ \t]*\n(?:[ \t]*\n)*[ \t]*")
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r"}
_PYTHON = _SIMPLE | {"'": "'"}
_VALID = re.compile(r'(?:[^"\\]|\\(?:["\\/nrt]|u[0-9a-fA-F]{4}))*+')
_SUSPECT = re.compile(r"\\[bf]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Place(Protocol):
    """Where a string starts, and what had to be tolerated so far."""

    text: str
    at: int
    end: int
    notes: dict[str, None]
    guesses: dict[str, None]
    yaml: bool


def double_quoted(place: Place) -> str:
    """A string in double quotes; quotes inside that end nothing are taken as part of it."""
    start = place.at + 1
    stop, end = _double_end(place)
    if stop == end:
        place.guesses["a string is not closed"] = None
    place.at = end
    raw = place.text[start:stop]
    raw = _line(place, _ESCAPED_BREAK.sub(r"\1", raw) if place.yaml else raw)
    text = unescaped(raw, _YAML if place.yaml else _JSON)
    if text is None:
        place.guesses["backslashes that are no escapes"] = None
        return literal(raw)
    return text


def _double_end(place: Place) -> tuple[int, int]:
    """Where the inside ends, and where the string ends: the same place if nothing closes it."""
    found = _DOUBLE.match(place.text, place.at, place.end)
    assert found is not None
    for _ in range(MAX_INNER_QUOTES):
        if found.end() == found.end(1) or _AFTER.match(place.text, found.end(), place.end):
            break
        following = _DOUBLE.match(place.text, found.end() - 1, place.end)
        if not following or following.end() == following.end(1):
            break
        found = following
        place.guesses["quotes inside of a string"] = None
    return found.end(1), found.end()


def single_quoted(place: Place, quoted_keys: bool) -> str:
    """A string in single quotes, YAML's where nothing speaks for another language."""
    found = (_SINGLE_YAML if place.yaml else _SINGLE).match(place.text, place.at, place.end)
    assert found is not None
    place.at = found.end()
    if found.end() == found.end(1):
        place.guesses["a string is not closed"] = None
    raw = _line(place, found[1])
    if quoted_keys:
        place.guesses["strings in single quotes"] = None
    if "\\" in raw and not place.yaml:
        place.guesses["backslashes in single quotes"] = None
        return _JSON.sub(lambda m: _PYTHON.get(m[1], m[0]), raw)
    return raw.replace("''", "'")


def typographic(place: Place) -> str:
    """A string in typographic quotes."""
    found = _TYPOGRAPHIC.match(place.text, place.at, place.end)
    if found is None or not _AFTER.match(place.text, found.end(), place.end):
        place.guesses["typographic quotes inside of a string"] = None
        stop = place.text.find("\n", place.at, place.end)
        stop = place.end if stop < 0 else stop
        raw = place.text[place.at + 1 : stop].rstrip(" ,}]")
        place.at += 1 + len(raw)
        return raw.rstrip('“”"')
    place.notes["typographic quotes read as quotes"] = None
    place.at = found.end()
    return found[1]


def _line(place: Place, raw: str) -> str:
    """The inside of a string over several lines as YAML folds it; elsewhere a guess."""
    if "\n" not in raw:
        return raw
    if not place.yaml:
        place.guesses["line breaks inside of a string"] = None
        return raw
    return _BREAK.sub(lambda gap: "\n" * (gap[0].count("\n") - 1) or " ", raw)


def unescaped(raw: str, escape: re.Pattern[str] = _JSON) -> str | None:
    """The string that a literal with this inside stands for; None if a backslash is no escape.

    Backspace and form feed count as none, and so do YAML's own letters: they are the `\\b` of a
    regular expression and the `\\f` or `\\a` of a Windows path.
    """
    if "\\" not in raw:
        return raw
    if _VALID.fullmatch(raw):
        return str(json.loads(f'"{raw}"', strict=False))
    if raw.count("\\") > MAX_ESCAPES:
        raise TooDeep(f"a string has more than {MAX_ESCAPES} backslashes")
    for sequence in escape.finditer(raw):
        if sequence[1] not in _SIMPLE and len(sequence[1]) == 1 and sequence[1] != " ":
            return None
    backslashes_at_end = len(raw) - len(raw.rstrip("\\"))
    if backslashes_at_end % 2 == 1:
        return None
    return _PAIR.sub(
        lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"),
        escape.sub(_character, raw),
    )


def _character(sequence: re.Match[str]) -> str:
    escape = sequence[1]
    if len(escape) > 1:
        return chr(min(int(escape[1:], 16), 0x10FFFF))
    return _SIMPLE.get(escape, escape)


def literal(raw: str) -> str:
    """The text with every backslash kept, except before a quote or another backslash."""
    return re.sub(r'\\(["\\])', r"\1", raw)


def suspect_strings(text: str, start: int, end: int, value: Any) -> bool:
    """Whether strict JSON read `\\b` or `\\f` as control characters, which hardly were meant."""
    if not _SUSPECT.search(text, start, end):
        return False
    pending = [value]
    while pending:
        each = pending.pop()
        match each:
            case str() if "\b" in each or "\f" in each:
                return True
            case dict():
                pending += each.keys()
                pending += each.values()
            case list():
                pending += each
    return False
