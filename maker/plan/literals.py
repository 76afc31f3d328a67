"""The literals of an instruction (URLs, paths, quoted strings, numbers), and whether a plan
keeps them. Pure; only heuristics, so what it finds is never more than a warning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_URL = re.compile(r"https?://[^\s<>\"'`)\]]+")
_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`|“([^”\n]{1,200})”")
_SINGLE_QUOTED = re.compile(r"(?<!\w)'([^'\n]{1,200})'(?!\w)")
_PATH = re.compile(
    r"(?<![\w/.@-])(?:~?/|\.{1,2}/)?[\w@.*+-]+(?:/[\w@.*+-]+)+/?|~?/[\w@.*+-]+/?|[\w@.*+-]+/(?!\w)"
)
_FILE_NAME = re.compile(
    r"(?<![\w/.@-])(?:\*|[\w-]{2,})(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{0,4}(?![\w/])"
)
_ANY_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBER = re.compile(r"(?<![\w./:,-])\d+(?:[.,]\d+)*(?![\w/:-])")

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


MOST_LITERALS = 200
MOST_CHARS = 8_000
"""So much of an instruction is looked at: enough for words, and no work for a pasted file."""


def literals(text: str) -> list[str]:
    """What must reach a step word for word, each once, in the order of its kind."""
    found: dict[str, None] = {}
    rest = text[:MOST_CHARS]
    for kind in (_URL, _QUOTED, _SINGLE_QUOTED, _PATH, _FILE_NAME, _NUMBER):
        for match in kind.finditer(rest):
            inner = next((group for group in match.groups() if group), match.group())
            literal = inner.strip().rstrip(_ENDS)
            if literal and literal.lower() not in _WORD_PAIRS:
                found[literal] = None
        rest = kind.sub(" ", rest)
    return list(found)[:MOST_LITERALS]


def lost(wanted: Sequence[str], text: str) -> list[str]:
    """The literals that do not occur in the text, whatever the case; small numbers also as words.

    A number must stand by itself: neither 13 nor 3.1 keeps a 3.
    """
    lower = text.lower()
    numbers = set(_ANY_NUMBER.findall(text))
    numbers |= {part for number in numbers for part in number.split(",")}
    words = set(re.findall(r"[a-z]+", lower))
    numbers |= {str(n) for n, word in enumerate(_NUMBER_WORDS) if word in words}
    return [
        literal
        for literal in wanted
        if not (literal in numbers if _ANY_NUMBER.fullmatch(literal) else literal.lower() in lower)
    ]
