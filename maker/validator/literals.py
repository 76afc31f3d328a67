"""The literals of an instruction (URLs, paths, quoted strings, numbers), and whether a plan
keeps them. Pure; only heuristics, so what it finds is never more than a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_URL = re.compile(r"https?://[^\s<>\"'`)\]]+")
_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`|“([^”\n]{1,200})”")
_SINGLE_QUOTED = re.compile(r"(?<!\w)'([^'\n]{1,200})'(?!\w)")
_PATH = re.compile(
    r"(?<![\w/.@-])(?:~?/|\.{1,2}/)?[\w@.*+-]+(?:/[\w@.*+-]+)+/?|~?/[\w@.*+-]+/?|[\w@.*+-]+/(?!\w)"
)
_FILE_NAME = re.compile(
    r"(?<![\w/.@-])(?:\*|[\w-]{2,})(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{0,4}(?![\w/])"
)
_NUMBER = re.compile(r"(?<![\w./:-])\d+(?:[.,]\d+)*(?![\w/:-])")

_WORD_PAIRS = frozenset(
    [
        *("and/or", "or/and", "either/or", "he/she", "his/her", "yes/no", "on/off", "true/false"),
        *("input/output", "read/write", "i/o", "client/server", "ci/cd", "tcp/ip", "pass/fail"),
        *("before/after", "key/value", "n/a"),
    ]
)
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_ENDS = ".,;:!?"


def literals(text: str) -> list[str]:
    """What must reach a step word for word, each once, in the order of its kind."""
    found: dict[str, None] = {}
    rest = text
    for kind in (_URL, _QUOTED, _SINGLE_QUOTED, _PATH, _FILE_NAME, _NUMBER):
        for literal in _matches(kind, rest):
            if literal and literal.lower() not in _WORD_PAIRS:
                found[literal] = None
        rest = kind.sub(" ", rest)
    return list(found)


def is_kept(literal: str, text: str) -> bool:
    """Whether the literal occurs in the text, whatever the case; small numbers also as words."""
    if not re.fullmatch(r"\d[\d.,]*", literal):
        return literal.lower() in text.lower()
    if re.search(rf"(?<![\d.]){re.escape(literal)}(?!\d|\.\d)", text):
        return True
    small = literal.isascii() and literal.isdigit() and len(literal) < 3
    value = int(literal) if small else len(_NUMBER_WORDS)
    if value >= len(_NUMBER_WORDS):
        return False
    return bool(re.search(rf"\b{_NUMBER_WORDS[value]}\b", text, re.IGNORECASE))


def _matches(kind: re.Pattern[str], text: str) -> Iterator[str]:
    for match in kind.finditer(text):
        inner = next((group for group in match.groups() if group), match.group())
        yield inner.strip().rstrip(_ENDS)
