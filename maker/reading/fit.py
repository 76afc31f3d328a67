"""A value as it was written to the value that the schema declares.

Whatever loses nothing is converted and noted; what had to be guessed is noted apart. What does
not fit is left as it is, for `problems` to report.
"""

from __future__ import annotations

import json
import re
from typing import Any

from maker.core.text import MAX_DEPTH, MAX_INT_DIGITS, clean, one_line
from maker.reading.json_text import decode_at
from maker.reading.loaded import Unreadable
from maker.reading.scalars import (
    NULLS,
    Plain,
    RawFloat,
    as_number,
    resolved,
    uncommented,
)
from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
    problems,
)

MAX_INNER_CHARS = 500_000
"""Longer strings are not looked into for JSON."""

_ANCHOR = re.compile(r"&[\w-]+\s|\*[\w-]+\s*\Z|!{1,2}[\w-]+\s")
_BULLET = re.compile(r"\s*(?:[-*•–+]|\d{1,4}[.)])\s+(.*\S)\s*")
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_STRING, _INT = Primitive("string"), Primitive("int")
_AROUND = " \t\r\n\xa0\"'`“”‘’*."


class Fitting:
    """Fits one value; collects what it did. `text_fields` are strings wherever they stand."""

    def __init__(self, text_fields: frozenset[str] = frozenset()) -> None:
        self.text_fields = text_fields
        self._text_kinds = dict.fromkeys(text_fields, _STRING)
        self.notes: dict[str, None] = {}
        self.guesses: dict[str, None] = {}

    def note(self, path: str, what: str) -> None:
        """Note a conversion without loss; many alike are noted up to a number."""
        if len(self.notes) < 20:
            self.notes[f"{path}: {what}" if path else what] = None

    def guess(self, path: str, what: str) -> None:
        """Note a guess."""
        if len(self.guesses) < 20:
            self.guesses[f"{path}: {what}" if path else what] = None

    def fit(self, value: Any, schema: Schema | None, path: str = "", depth: int = 0) -> Any:
        """The value as declared, or as near as it can be had."""
        if depth > MAX_DEPTH:
            raise Unreadable(f"it nests deeper than {MAX_DEPTH} levels")
        match schema:
            case None | Primitive("any"):
                return self.undeclared(value, path, depth)
            case Maybe(inner):
                null = value is None or (isinstance(value, Plain) and value in NULLS)
                return None if null else self.fit(value, inner, path, depth)
            case Primitive("string"):
                return self.string(value, path, depth)
            case ListOf(item):
                return self.list(value, item, path, depth)
            case Fields():
                return self.record(value, schema, path, depth)
            case Choice(words):
                return self.choice(value, words, path, depth)
            case Primitive(name):
                return self.primitive(value, name, path, depth)

    def undeclared(self, value: Any, path: str, depth: int) -> Any:
        """The value as YAML's core schema and JSON read it."""
        if isinstance(value, Plain):
            if value.why and not value.refused:
                self.guess(path, f"read as text ({value.why})")
            scalar = resolved(value)
            return clean(scalar) if isinstance(scalar, str) else scalar
        match value:
            case str():
                return clean(value)
            case dict():
                return {
                    clean(key): self.fit(
                        inner, self._text_kinds.get(key), _sub(path, key), depth + 1
                    )
                    for key, inner in value.items()
                }
            case list():
                return [self.fit(each, None, path, depth + 1) for each in value]
            case _:
                return self.finite(value, path)

    def finite(self, value: Any, path: str) -> Any:
        """A JSON number, bool or null that the log can hold."""
        if isinstance(value, float):
            if value - value != 0:
                raise Unreadable(f"{path or 'the value'}: the number is out of range")
            return float(value)
        if isinstance(value, int) and value.bit_length() > MAX_INT_DIGITS * 3.3:
            raise Unreadable(f"{path or 'the value'}: a number of over {MAX_INT_DIGITS} digits")
        return value

    def string(self, value: Any, path: str, depth: int) -> Any:
        """A declared string: the text as it was written."""
        match value:
            case Plain():
                if _ANCHOR.match(value):
                    self.guess(path, "an anchor, alias or tag read as text")
                if value.why or uncommented(value) != value:
                    self.note(path, f"kept as it was written ({value.why or 'with its #'})")
                return clean(str(value))
            case str():
                return clean(value)
            case bool():
                return self._converted(path, value, str(value).lower())
            case RawFloat():
                return self._converted(path, value, value.raw)
            case int():
                return self._converted(path, self.finite(value, path), str(value))
        raw = getattr(value, "raw", None)
        if isinstance(raw, str):
            self.note(path, "brackets kept as text")
            return clean(raw)
        return self.undeclared(value, path, depth)

    def _converted(self, path: str, value: Any, to: Any) -> Any:
        self.note(path, f"{one_line(str(value), 40)!r} read as {one_line(json.dumps(to), 40)}")
        return to

    def primitive(self, value: Any, name: str, path: str, depth: int) -> Any:
        """A declared int, float or bool."""
        plain = self.undeclared(value, path, depth)
        if isinstance(plain, str):
            text = plain.strip(" \t\r\n\xa0")
            read = _WORDS.get(text.lower()) if name == "bool" else as_number(text)
            if read is None or (name == "int" and not _is_whole(read)):
                return plain
            return self._converted(path, plain, int(read) if name == "int" else read)
        if name == "int" and isinstance(plain, float) and _is_whole(plain):
            return self._converted(path, plain, int(plain))
        return plain

    def choice(self, value: Any, words: tuple[str, ...], path: str, depth: int) -> Any:
        """A declared enumeration: one of its words, whatever case or quotes it came in."""
        if isinstance(value, Plain):
            text = next((t for t in (str(value), uncommented(value)) if t in words), str(value))
        elif isinstance(value, str):
            text = value
        elif isinstance(value, bool | int | float):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            return self._converted(path, value, text) if text in words else value
        else:
            return self.undeclared(value, path, depth)
        if text in words:
            return text
        wanted = _letters(text)
        near = [word for word in words if _letters(word) == wanted]
        return self._converted(path, text, near[0]) if len(near) == 1 else clean(text)

    def list(self, value: Any, item: Schema, path: str, depth: int) -> Any:
        """A declared list; a lone item is a list of one, but for a text: that may say anything."""
        if isinstance(value, list):
            if item == _STRING and set(map(type, value)) <= {str}:
                return list(map(clean, value))
            if item == _INT and set(map(type, value)) == {int} and max(map(abs, value)) < 2**64:
                return list(value)
            return [self.fit(each, item, f"{path}[{n}]", depth + 1) for n, each in enumerate(value)]
        if value is None or (isinstance(value, Plain) and value in NULLS):
            return self._converted(path, None, [])
        if isinstance(value, str):
            inner = self._json_inside(value, "[", path)
            if inner is not None:
                return self.list(inner, item, path, depth + 1)
            bullets = [_BULLET.fullmatch(line) for line in value.strip().splitlines()]
            if len(bullets) > 1 and all(bullets):
                self.guess(path, "bullets read as a list")
                return self.list([each[1] for each in bullets if each], item, path, depth + 1)
            if item == _STRING:
                return self.undeclared(value, path, depth)  # a text is not a list
        alone = Fitting(self.text_fields)
        fitted = alone.fit(value, item, path, depth + 1)
        if problems(item, fitted):
            return self.undeclared(value, path, depth)
        self.notes |= alone.notes
        self.guesses |= alone.guesses
        self.note(path, "a lone item read as a list of one")
        return [fitted]

    def _json_inside(self, text: str, opening: str, path: str) -> Any:
        """The JSON value that a string holds, or None."""
        start = len(text) - len(text.lstrip())
        if len(text) > MAX_INNER_CHARS or not text.startswith(opening, start):
            return None
        try:
            value, end, notes = decode_at(str(text), start)
        except Unreadable:
            return None
        if text[end:].strip():
            return None
        self.note(path, "JSON in a string read as its value")
        for each in notes:
            self.note(path, each)
        return value

    def record(self, value: Any, schema: Fields, path: str, depth: int) -> Any:
        """A declared mapping; undeclared fields are kept."""
        if isinstance(value, str):
            inner = self._json_inside(value, "{", path)
            if inner is not None:
                return self.record(inner, schema, path, depth + 1)
        if not isinstance(value, dict):
            return self.undeclared(value, path, depth)
        named = self._renamed(value, schema, path)
        kinds = dict(schema.fields)
        return {
            clean(key): self.fit(each, kinds.get(key), _sub(path, key), depth + 1)
            for key, each in named.items()
        }

    def _renamed(self, value: dict[str, Any], schema: Fields, path: str) -> dict[str, Any]:
        """Declared fields by their declared names, where only case or separators differ."""
        missing = {_letters(name): name for name, _ in schema.fields if name not in value}
        if not missing:
            return value
        declared = {name for name, _ in schema.fields}
        by_letters: dict[str, list[str]] = {}
        for key in value:
            if key not in declared:
                by_letters.setdefault(_letters(key), []).append(key)
        names = {
            keys[0]: missing[letters]
            for letters, keys in by_letters.items()
            if letters in missing and len(keys) == 1
        }
        for key, name in names.items():
            self.note(path, f"the field {one_line(key, 40)} read as {name}")
        return {names.get(key, key): each for key, each in value.items()}


def _sub(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_whole(value: int | float) -> bool:
    return isinstance(value, int) or (value.is_integer() and abs(value) < 2**53)


def _letters(text: str) -> str:
    """What is left of a word without case, quotes and separators."""
    return re.sub(r"[\s_-]+", "", text.strip(_AROUND)).casefold()
