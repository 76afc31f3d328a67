"""What speaks against an answer though it can be read: the reasons to call it guessed, or none.

A value that stands where no answer stands, a list that is not whole, a text for a list, our own
example sent back. Each is said as a note; where no value is meant at all, the reply is unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from maker.reading.loaded import Loaded, worse
from maker.schema.fields import is_text
from maker.schema.schema import Fields, ListOf, Maybe, Schema, placeholder

Read = Callable[[str], Loaded]

_TAGS = "thinking|think|thought|scratchpad|reasoning|reflection|analysis|draft|log|quote|example"
_IN_A_TAG = re.compile(rf"(?is)<({_TAGS})\b[^<>]*>.*?(?:</\1\s*>|\Z)")
_TURN = re.compile(r"(?m)^[ \t]*(?:Human|User|Assistant|System)[ \t]*:")
_THEN_A_VALUE = r"[^{}\n]{0,60}[\s`]*+(?:json)?\s*+\{"
_OR = re.compile(rf"(?i)\}}[\s`]*+,?\s*+\b(?:or|alternatively|otherwise)\b{_THEN_A_VALUE}")
_WRONG = re.compile(
    rf"(?i)\b(?:wrong|incorrect|invalid|bad)\s++(?:answer|reply|output|result|one)\b{_THEN_A_VALUE}"
)
_LONGEST_SIGN = 80
"""A longer item, or line with a comment, says more than that something was left out."""
_ELIDED_ITEM = re.compile(
    r"(?i)\s*(?:\.{3,}|…|[<(\[]?\s*(?:\.{3,}|…)?\s*(?:and\s+)?\d+\s+(?:more|others?)\b.{0,20}"
    r"|(?:\.{3,}|…).{0,30}\b(?:more|others)\b.{0,10}|and so on|etc\.?)\s*"
)
_ELIDED_COMMENT = re.compile(r"(?i)(?://|/\*|#)[^\n]*(?:(?:\.{3}|…)[^\n]*|\b\d+\s+)more\b")
_CONTROL_IN_A_PATH = re.compile(r"(?:^|[\s\"'])[A-Za-z]:[\t\n\r\f\b]")
_FIRST_FIELD = re.compile(r'"[^"\n]+"\s*+:')
_FENCE = re.compile(r"\A```\w*+|```\Z")
_MOST_COMMENTS = 200
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def doubted(text: str, schema: Schema | None, read: Read) -> Loaded:
    """The reading of a reply, with what speaks against it."""
    loaded = _elsewhere(text, read) or _in_another_form(text, read) or read(text)
    if loaded.verdict == "unreadable" or schema is None:
        return loaded
    if meant := next(_no_answer(text, loaded.value, schema), ""):
        return Loaded(verdict="unreadable", error=meant, notes=loaded.notes)
    guesses = [*_guesses(text, loaded.value, schema)]
    return _guessed(loaded, guesses) if guesses else loaded


def _guessed(loaded: Loaded, why: list[str]) -> Loaded:
    verdict = worse(loaded.verdict, "repaired")
    return msgspec.structs.replace(loaded, verdict=verdict, notes=[*loaded.notes, *why])


def _elsewhere(text: str, read: Read) -> Loaded | None:
    """The answer beside thoughts in a tag and turns that nobody took; None without such."""
    own = _IN_A_TAG.sub("\n", text)
    turn = _TURN.search(own)
    own = own[: turn.start()] if turn and own[: turn.start()].strip() else own
    if own == text:
        return None
    beside, whole = read(own), read(text)
    if beside.verdict == "unreadable":
        return _guessed(whole, ["it stands only in a tag, or in a turn of somebody else"])
    if beside.value == whole.value:
        return whole
    return _guessed(beside, ["another value stands in a tag, or in a turn of somebody else"])


def _in_another_form(text: str, read: Read) -> Loaded | None:
    """The object whose braces, or whose comments, are in the way; None where there is no such."""
    lines = _FENCE.sub("", text.strip()).strip()
    if _FIRST_FIELD.match(lines):
        whole = read(f"{{{lines.rstrip(',')}}}")
        if whole.verdict != "unreadable":
            return _guessed(whole, ["lines of JSON read as an object"])
    if "//" not in text and not 0 < text.count("/*") <= _MOST_COMMENTS:
        return None
    bare = _COMMENT.sub(lambda comment: comment[1] or "", text)
    plain = read(text)
    if bare == text or plain.verdict not in ("unreadable", "repaired"):
        return None
    without = read(bare)
    if without.verdict in ("unreadable", "repaired"):
        return None
    return msgspec.structs.replace(
        without,
        verdict=worse(without.verdict, "normalised"),
        notes=[*without.notes, "comments left out"],
    )


def _no_answer(text: str, value: Any, schema: Schema) -> Iterator[str]:
    """Why the value is none that anybody meant as an answer."""
    for path, kind, leaf in _leaves(value, schema, ""):
        if is_text(kind) and isinstance(leaf, str):
            if leaf == placeholder(path.rpartition(".")[2].partition("[")[0]):
                yield f"{path} is the placeholder of the example"
            if "[" in path and len(leaf) <= _LONGEST_SIGN and _ELIDED_ITEM.fullmatch(leaf):
                yield f"{path}: the list is not whole"
    lines = (line for line in text.split("\n") if len(line) <= _LONGEST_SIGN)
    if _has_list(schema) and any(map(_ELIDED_COMMENT.search, lines)):
        yield "a list is not whole: a comment says that there are more"


def _guesses(text: str, value: Any, schema: Schema) -> Iterator[str]:
    if _OR.search(text):
        yield "two answers joined by or"
    if _WRONG.search(text):
        yield "a wrong answer stands in it, too"
    with_brace = [line for line in text.split("\n") if "{" in line]
    if with_brace and all(line.lstrip().startswith(">") for line in with_brace):
        yield "it stands in a quotation"
    for path, _, leaf in _leaves(value, schema, ""):
        if isinstance(leaf, str) and _CONTROL_IN_A_PATH.search(leaf):
            yield f"{path}: a control character in a path"


def _leaves(value: Any, schema: Schema, path: str) -> Iterator[tuple[str, Schema, Any]]:
    """The declared values that have no parts, with their paths."""
    match schema:
        case Maybe(inner):
            yield from _leaves(value, inner, path)
        case Fields(fields) if isinstance(value, dict):
            for name, kind in fields:
                yield from _leaves(value.get(name), kind, f"{path}.{name}" if path else name)
        case ListOf(item) if isinstance(value, list):
            for number, entry in enumerate(value):
                yield from _leaves(entry, item, f"{path}[{number}]")
        case _:
            yield path, schema, value


def _has_list(schema: Schema) -> bool:
    match schema:
        case Maybe(inner):
            return _has_list(inner)
        case Fields(fields):
            return any(_has_list(kind) for _, kind in fields)
        case _:
            return isinstance(schema, ListOf)
