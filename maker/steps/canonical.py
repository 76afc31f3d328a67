"""How outputs are compared: what their fields mean, not how they are spelled. Pure.

For comparing only: what a step gives on is always as its sample wrote it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from functools import partial
from typing import Any

from maker.core.paths import look_up
from maker.schema.fields import type_at
from maker.schema.schema import Choice, Fields, ListOf, Maybe, Primitive, Schema

_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}
_NOTHING = frozenset({"", "none", "null"})

encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode
"""Canonical JSON: keys are sorted, and nothing is there that does not matter."""


def compared(output: Any, schema: Schema | None, paths: Sequence[str], folder: str = "") -> str:
    """Canonical JSON of the dotted paths of an output: equal for answers that mean the same.

    Without paths all of it is compared. `folder` is the one that relative paths start in.
    """
    if not paths:
        return encode(meaning(output, schema, folder))
    return encode(
        {
            path: meaning(look_up(output, path), type_at(schema, path) if schema else None, folder)
            for path in paths
        }
    )


def meaning(value: Any, schema: Schema | None, folder: str = "", *, in_order: bool = False) -> Any:
    """The value as it is compared. `in_order`: as if the order of every list mattered."""
    inside = partial(meaning, folder=folder, in_order=in_order)
    match schema:
        case Maybe(inner):
            return None if _is_nothing(value, inner) else inside(value, inner)
        case Fields(fields) if isinstance(value, dict):
            declared = {_nfc(name): inside(value.get(name), kind) for name, kind in fields}
            more = {_nfc(key): inside(each, None) for key, each in value.items()}
            return more | declared
        case ListOf(item, ordered) if isinstance(value, list):
            items = [inside(each, item) for each in value]
            return items if ordered or in_order else sorted(items, key=encode)
        case Choice() if isinstance(value, str):
            return _nfc(value).casefold()
        case Primitive("string") if isinstance(value, str):
            return text_meaning(value, folder)
        case _:
            return _undeclared(value)


def text_meaning(text: str, folder: str = "") -> str:
    """A text without what is only a way to write it; one that has something never loses all."""
    text = " ".join(_nfc(text).split())
    while (shorter := _shorter(text, folder)) and shorter != text:
        text = shorter
    return text


def _shorter(text: str, folder: str) -> str:
    """The text without one thing that does not matter."""
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    if text.endswith("()"):
        return text[:-2].rstrip()
    if text.endswith(".") and not text.endswith(("..", "/.")):
        return text[:-1].rstrip()
    if " " in text or "://" in text:
        return text
    if folder and text.startswith(f"{folder.rstrip('/')}/"):
        return text[len(folder.rstrip("/")) + 1 :]
    return text.removeprefix("./").removesuffix("/")


def differing(outputs: Sequence[Any], schema: Schema | None, paths: Sequence[str]) -> list[str]:
    """The fields of outputs whose compared paths agree that are not compared, and differ."""
    roots = {path.partition(".")[0] for path in paths}
    names = dict.fromkeys(name for output in outputs for name in output if name not in roots)
    kinds = dict(schema.fields) if isinstance(schema, Fields) else {}
    return [name for name in names if _differ(outputs, name, kinds.get(name), in_order=False)]


def reordered(outputs: Sequence[Any], schema: Schema | None, paths: Sequence[str]) -> list[str]:
    """The compared paths whose lists the outputs have in different orders."""
    kinds = {path: type_at(schema, path) if schema else None for path in paths}
    return [path for path, kind in kinds.items() if _differ(outputs, path, kind, in_order=True)]


def _differ(outputs: Sequence[Any], path: str, kind: Schema | None, *, in_order: bool) -> bool:
    values = (meaning(look_up(output, path), kind, in_order=in_order) for output in outputs)
    return len({encode(value) for value in values}) > 1


def _is_nothing(value: Any, inner: Schema) -> bool:
    if value is None:
        return True
    if not isinstance(value, str) or not isinstance(inner, Primitive | Choice):
        return False
    words = {word.casefold() for word in inner.words} if isinstance(inner, Choice) else set()
    text = text_meaning(value).casefold()
    return text in _NOTHING and text not in words


def _undeclared(value: Any) -> Any:
    """Numbers by value, a bool is no number; texts and lists as they are written."""
    match value:
        case str():
            return _nfc(value)
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {_nfc(key): _undeclared(item) for key, item in value.items()}
        case list():
            return [_undeclared(item) for item in value]
        case _:
            return value


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
