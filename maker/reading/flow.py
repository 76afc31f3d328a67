"""Mappings and lists in brackets, as YAML has them and as models write JSON by mistake.

Says what it had to tolerate: `notes` lost nothing, `guesses` may have.
"""

from __future__ import annotations

import re
from typing import Any

from maker.reading.json_text import DuplicateKey, TooDeep
from maker.reading.loaded import Unreadable
from maker.reading.quoted import (
    CLOSING,
    double_quoted,
    single_quoted,
    typographic,
)
from maker.reading.scalars import Plain, TextList, TextMap

MAX_DEPTH = 64
MAX_VALUES = 50_000

_SPACE = re.compile(r"[ \t\r\n\xa0\u2007\u202f\u3000]*+")
_COMMENT = re.compile(r"(?://|#)[^\n]*+")
_PLAIN = re.compile(r"(?:[^,\[\]{}:#\n\"]|(?<=\S)[#\"]|:(?![\s,\[\]{}]|\Z))++")
_NO_VALUES = frozenset({"None", "undefined"})
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


class Flow:
    """Reads one value of a text from a place on; `at` is where it stands then.

    `yaml`: the brackets stand inside of a YAML block, so that YAML's rules hold.
    """

    def __init__(self, text: str, at: int, end: int | None = None, *, yaml: bool = False) -> None:
        self.text = text
        self.at = at
        self.end = len(text) if end is None else end
        self.notes: dict[str, None] = {}
        self.guesses: dict[str, None] = {}
        self.yaml = yaml
        self.values = 0

    @property
    def next(self) -> str:
        """The next character, or nothing at the end."""
        return self.text[self.at] if self.at < self.end else ""

    def fail(self, expected: str) -> Unreadable:
        """The error for something else than what was expected at this place."""
        line = self.text.count("\n", 0, self.at) + 1
        found = repr(self.next) if self.next else "the end"
        return Unreadable(f"line {line}: expected {expected}, found {found}", self.at)

    def space(self) -> None:
        """Pass over white space and comments."""
        while True:
            found = _SPACE.match(self.text, self.at, self.end)
            assert found is not None
            if not found.group().isascii():
                self.notes["unusual spaces read as spaces"] = None
            self.at = found.end()
            comment = _COMMENT.match(self.text, self.at, self.end)
            if not comment:
                return
            self.notes["a comment left out"] = None
            self.at = comment.end()

    def value(self, depth: int = 0, quoted_keys: bool = False) -> Any:
        """The value that starts here."""
        if depth > MAX_DEPTH:
            raise TooDeep(f"it nests deeper than {MAX_DEPTH} levels")
        self.values += 1
        if self.values > MAX_VALUES:
            raise TooDeep(f"it has more than {MAX_VALUES} values")
        match self.next:
            case "{":
                return self.mapping(depth)
            case "[":
                return self.list(depth)
            case "":
                self.guesses["it breaks off"] = None
                return None
            case _:
                return self.scalar(quoted_keys)

    def scalar(self, quoted_keys: bool) -> str | Plain | None:
        """A quoted or plain scalar."""
        match self.next:
            case '"':
                return double_quoted(self)
            case "'":
                return single_quoted(self, quoted_keys and not self.yaml)
            case "“" | "”" | "„":
                return typographic(self)
        found = _PLAIN.match(self.text, self.at, self.end)
        text = found.group().strip() if found else ""
        if not found or not text or (quoted_keys and text in _NO_NUMBERS):
            raise self.fail("a value")
        self.at = found.end()
        if quoted_keys and not self.yaml and text in _NO_VALUES:
            self.guesses[f"{text} read as null"] = None
            return None
        if text[0] in "&*!":
            return Plain(text, "aliases, anchors and tags are refused", refused=True)
        return Plain(text, f"starts with {text[0]}" if text[0] in "@`%|>" else "")

    def mapping(self, depth: int) -> TextMap:
        """`{key: value, ...}`"""
        start, result = self.at, TextMap()
        self.at += 1
        self.space()
        while self.next != "}":
            if not self.next:
                self.guesses["a bracket is not closed"] = None
                break
            quoted = self.next in CLOSING
            key = self.key()
            if key in result:
                raise DuplicateKey(f"the key {key[:60]!r} stands there twice")
            result[key] = self.member(depth, quoted)
            if not self.separated("}", "a member"):
                break
        else:
            self.at += 1
        result.raw = self.text[start : self.at]
        return result

    def key(self) -> str:
        """A key; its colon is next."""
        if self.next == "'" and not self.yaml:
            self.guesses["keys in single quotes"] = None
        key = self.scalar(quoted_keys=False)
        self.space()
        if isinstance(key, Plain) and (key.refused or key == "<<" or key.startswith("?")):
            raise self.fail("a simple key")
        if self.next == ":":
            return str(key)
        if not self.next:
            return str(key)
        raise self.fail("':'")

    def member(self, depth: int, quoted: bool) -> Any:
        """The value after a key."""
        if self.next == ":":
            self.at += 1
            self.space()
        if self.next in (",", "}"):
            if quoted:
                self.guesses["a value is missing"] = None
            return None if quoted else Plain("")
        return self.value(depth + 1, quoted)

    def list(self, depth: int) -> TextList:
        """`[item, ...]`"""
        start, result = self.at, TextList()
        self.at += 1
        self.space()
        while self.next != "]":
            if not self.next:
                self.guesses["a bracket is not closed"] = None
                break
            result.append(self.value(depth + 1))
            if not self.separated("]", "an item"):
                break
        else:
            self.at += 1
        result.raw = self.text[start : self.at]
        return result

    def separated(self, closing: str, what: str) -> bool:
        """Pass over a comma; whether the collection goes on or is closed here."""
        self.space()
        if self.next == ",":
            self.at += 1
            self.space()
            if self.next == closing:
                self.guesses["a comma before the closing bracket"] = None
        elif self.next in ('"', "“") and closing == "}":
            self.guesses["a comma is missing"] = None
        elif self.next and self.next != closing:
            raise self.fail(f"',' or {closing!r} after {what}")
        if not self.next:
            self.guesses["a bracket is not closed"] = None
            return False
        return True
