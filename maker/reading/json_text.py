"""Strict JSON at a place in a text. Duplicate keys are refused; nothing is repaired."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from maker.core.text import one_line
from maker.reading.loaded import Unreadable
from maker.reading.scalars import RawFloat


class DuplicateKey(Unreadable):
    """A mapping has a key twice: no reading of it is the right one."""


class TooDeep(Unreadable):
    """The text nests too deep to be an answer."""


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of the pairs. Raises DuplicateKey."""
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DuplicateKey(f"the key {one_line(key, 60)!r} stands there twice")
            seen.add(key)
    return mapping


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not a JSON value")


_STRICT, _LINE_BREAKS = (
    json.JSONDecoder(
        object_pairs_hook=unique,
        parse_float=RawFloat,
        parse_constant=_no_constant,
        strict=strict,
    )
    for strict in (True, False)
)


def decode_at(text: str, start: int) -> tuple[Any, int, list[str]]:
    """(value, end, notes) of the JSON value that starts there.

    Raises Unreadable; its `args[1]` is the position of the mistake.
    """
    try:
        try:
            value, end = _STRICT.raw_decode(text, start)
            return value, end, []
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
        value, end = _LINE_BREAKS.raw_decode(text, start)
        return value, end, ["line breaks inside of strings kept"]
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}: {error.msg}", error.pos) from None
    except RecursionError:
        raise TooDeep("it nests too deep") from None
    except ValueError as error:
        raise Unreadable(f"a number is too long: {one_line(str(error), 60)}") from None
