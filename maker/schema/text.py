"""The schema language: its text to types, and back.

`string|int|float|bool|any`, `[T]`, `[T]!` (the order is part of it), `{k: T}`, `T?`, `a|b|c` (an
enumeration; a quoted word may hold anything). What a program checks: `path`, `url`, and about a
field beside it `line of FIELD`, `quote of FIELD`, `count of FIELD`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias, assert_never, get_args

from maker.core.text import one_line
from maker.schema.types import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    PrimitiveName,
    Schema,
    SchemaError,
)

MAX_SCHEMA_CHARS = 20_000
MAX_SCHEMA_DEPTH = 24

_PRIMITIVES = frozenset(get_args(PrimitiveName))
_ABOUT_ANOTHER = frozenset({"line", "quote", "count"})
_EVIDENCE: Mapping[str, Primitive] = {
    "path": Primitive("string", "path"),
    "url": Primitive("string", "url"),
    "quote": Primitive("string", "quote"),
    "line": Primitive("int", "line"),
    "count": Primitive("int", "count"),
}
"""The types that a program checks; in an enumeration their names are words like any other."""
_NOT_WORDS = {
    "null": "write T? for a value that may be null",
    "true": "write bool",
    "false": "write bool",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"[^\"\n]*\"|'[^'\n]*')|(?P<word>-?\w[\w./+-]*)|(?P<mark>[][{}:,|?!]))"
)
_Token: TypeAlias = tuple[str, str, int]


def _tokens(text: str) -> list[_Token]:
    """(kind, text, position) of each token, ended by one of kind `end`."""
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if not found:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise SchemaError(
                f"schema: unexpected {text[start]!r} at character {start}", position=start
            )
        kind = str(found.lastgroup)
        word = found.group(kind)
        tokens.append((kind, word[1:-1] if kind == "quoted" else word, found.start(kind)))
        position = found.end()
    return [*tokens, ("end", "the end", end)]


class _Parser:
    """Recursive descent over the tokens; the depth is bounded."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.index = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.next
        self.index += 1
        return token

    def skip(self, mark: str) -> bool:
        if self.next[:2] != ("mark", mark):
            return False
        self.index += 1
        return True

    def fail(self, expected: str) -> SchemaError:
        _, found, position = self.next
        return SchemaError(
            f"schema: expected {expected} at character {position}, found {one_line(found, 40)}",
            position=position,
        )

    def expect(self, mark: str) -> None:
        if not self.skip(mark):
            raise self.fail(repr(mark))

    def type(self, depth: int = 0) -> Schema:
        if depth > MAX_SCHEMA_DEPTH:
            raise self.fail(f"at most {MAX_SCHEMA_DEPTH} levels")
        if self.skip("["):
            item = self.type(depth + 1)
            self.expect("]")
            found: Schema = ListOf(item, ordered=self.skip("!"))
        elif self.skip("{"):
            found = self.record(depth + 1)
        else:
            found = self.words()
        while self.skip("?"):
            found = found if isinstance(found, Maybe) else Maybe(found)
        return found

    def record(self, depth: int) -> Fields:
        fields: dict[str, Schema] = {}
        while not self.skip("}"):
            if self.next[0] not in ("word", "quoted"):
                raise self.fail("a field name or '}'")
            if self.next[1] in fields:
                raise self.fail("a field name that was not used yet")
            name = self.take()[1]
            self.expect(":")
            fields[name] = self.type(depth)
            if self.next[:2] != ("mark", "}") and not self.skip(","):
                raise self.fail("',' or '}'")
        for name, kind in fields.items():
            self.check_reference(name, kind, fields)
        return Fields(tuple(fields.items()))

    def check_reference(self, name: str, kind: Schema, fields: Mapping[str, Schema]) -> None:
        """What is evidence about another field is about one of its mapping that can bear it."""
        leaf = kind
        while isinstance(leaf, Maybe | ListOf):  # the type that a value has in the end
            leaf = leaf.inner if isinstance(leaf, Maybe) else leaf.item
        if not isinstance(leaf, Primitive) or not leaf.of:
            return
        about = fields.get(leaf.of)
        about = about.inner if isinstance(about, Maybe) else about
        if leaf.evidence == "count":
            can_bear, what = isinstance(about, ListOf), "list"
        else:
            can_bear, what = about == Primitive("string", "path"), "path"
        if not can_bear:
            _, _, position = self.next
            raise SchemaError(
                f"schema: {name} is {render(leaf)}, but {one_line(leaf.of, 40)} is no {what} in "
                "the same mapping",
                position=position,
            )

    def words(self) -> Schema:
        kind = self.next[0]
        if kind not in ("word", "quoted"):
            raise self.fail("a type")
        if kind == "word" and self.tokens[self.index + 1][:2] != ("mark", "|"):
            return self.primitive()
        words = [self.word()]
        while self.skip("|"):
            words.append(self.word())
        return Choice(tuple(dict.fromkeys(words)))

    def primitive(self) -> Primitive:
        word = self.next[1]
        evidence = _EVIDENCE.get(word)
        if evidence is None and word not in _PRIMITIVES:
            raise self.fail("string, int, float, bool, any, path, url, [T], [T]!, {k: T} or a|b")
        self.index += 1
        if evidence is None:
            return Primitive(word)  # type: ignore[arg-type]
        if word not in _ABOUT_ANOTHER:
            return evidence
        if self.next[:2] != ("word", "of"):
            raise self.fail(f"'of' and a field, as in `{word} of file`")
        self.index += 1
        if self.next[0] not in ("word", "quoted"):
            raise self.fail("the name of a field")
        return Primitive(evidence.name, evidence.evidence, self.take()[1])

    def word(self) -> str:
        kind, word, _ = self.next
        if kind not in ("word", "quoted"):
            raise self.fail("a word of an enumeration")
        if kind == "word" and word in _PRIMITIVES:
            raise self.fail("a word (a type is none: an enumeration lists values; T? is optional)")
        if kind == "word" and word.lower() in _NOT_WORDS:
            raise self.fail(f"a word ({_NOT_WORDS[word.lower()]})")
        self.index += 1
        return word


@lru_cache(maxsize=512)
def parse_schema(text: str) -> Schema:
    """The type that the text spells. Raises SchemaError with the position of the first mistake."""
    if len(text) > MAX_SCHEMA_CHARS:
        raise SchemaError(f"schema: longer than {MAX_SCHEMA_CHARS} characters", position=0)
    parser = _Parser(text)
    found = parser.type()
    if parser.next[0] != "end":
        raise parser.fail("the end")
    return found


def spelled(value: Any) -> str:
    """The schema text of a structure that was given instead of text, as in `{n: int, l: [int]}`."""
    match value:
        case dict():
            inner = ", ".join(f"{_spell_word(str(k))}: {spelled(v)}" for k, v in value.items())
            return f"{{{inner}}}"
        case list() if len(value) == 1:
            return f"[{spelled(value[0])}]"
        case _:
            return str(value)


def render(schema: Schema) -> str:
    """The canonical text of a schema; `parse_schema` reads it back."""
    match schema:
        case Primitive(name, evidence, of):
            about = f" of {_spell_word(of)}" if of else ""
            return f"{evidence or name}{about}"
        case Choice(words):
            spell = _quote if len(words) == 1 else _spell_word
            return "|".join(map(spell, words))
        case ListOf(item, ordered):
            return f"[{render(item)}]" + "!" * ordered
        case Fields(fields):
            inner = ", ".join(f"{_spell_word(name)}: {render(kind)}" for name, kind in fields)
            return f"{{{inner}}}"
        case Maybe(inner_type):
            return f"{render(inner_type)}?"
        case _:
            assert_never(schema)


def _quote(word: str) -> str:
    return f"'{word}'" if '"' in word else f'"{word}"'


def _spell_word(word: str) -> str:
    bare = re.fullmatch(r"-?\w[\w./+-]*", word)
    reserved = word in _PRIMITIVES or word.lower() in _NOT_WORDS
    return word if bare and not reserved else _quote(word)
