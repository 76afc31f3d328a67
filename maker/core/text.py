"""Text and plain values at the entrances: valid Unicode, finite JSON, safe to print.

Credentials are taken out in `redaction.py`; what a reply's text *means* is read in
`maker/reading/`.
"""

from __future__ import annotations

import math
import re
from typing import Any

MOST_CHARACTERS = 2_000_000
"""Of a reply, a plan or a file of settings: a longer one is refused before anything reads it."""
MAX_DEPTH = 128
"""How deep a plain value may nest."""
MAX_INT_DIGITS = 1000
"""Longer integers are slow to print, and refused."""

_INVALID = re.compile("[\x00\ud800-\udfff]+")
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*+[ -/]*+[@-~]?"  # CSI
    r"|\x1b\][^\x07\x1b\n]*+(?:\x07|\x1b\\)"  # OSC, ended
    r"|\x1b[PX^_][^\x1b\n]*+\x1b\\"  # DCS, SOS, PM, APC, ended
    r"|\x1b[ -/]*+[0-~]?"
)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE_BREAK = re.compile("\r\n|[\r\u2028\u2029\x85\x0b\x0c]")


def clean(text: str) -> str:
    """The text as valid UTF-8 can hold it: lone surrogates and NUL become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _INVALID.sub(lambda found: "\ufffd" * len(found[0]), text)


def plain(value: Any) -> Any:
    """A copy made of nothing but finite JSON values, its strings cleaned.

    Raises ValueError that names the path of the first value that has no place in JSON.
    """
    return _plain(value, "", 0)


def _plain(value: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"{path or 'the value'} nests deeper than {MAX_DEPTH} levels")
    match value:
        case None | bool():
            return value
        case str():
            return clean(value)
        case int():
            return _plain_int(value, path)
        case float() if math.isfinite(value):
            return float(value)
        case dict():
            return {
                _plain_key(key, path): _plain(
                    item, f"{path}.{key}" if path else str(key), depth + 1
                )
                for key, item in value.items()
            }
        case list() | tuple():
            return [_plain(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)]
        case _:
            kind = value if isinstance(value, float) else f"a {type(value).__name__}"
            raise ValueError(f"{path or 'the value'} is {kind}, which JSON cannot hold")


def _plain_int(value: int, path: str) -> int:
    if value.bit_length() > MAX_INT_DIGITS * 3.3:
        raise ValueError(f"{path or 'the value'} is an integer of over {MAX_INT_DIGITS} digits")
    return int(value)


def _plain_key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{path or 'the value'} has the key {key!r}, which is not a string")
    return clean(key)


def terminal_safe(text: str) -> str:
    """The text without escape sequences, control characters and invisible or bidi marks."""
    without_sequences = _LINE_BREAK.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    return clean(_UNPRINTABLE.sub("", without_sequences))


def one_line(text: str, limit: int = 120) -> str:
    """The text for a message: on one line, safe for terminals, cut to `limit` characters."""
    start = text[: limit * 8 + 256]
    line = " ".join(terminal_safe(start).split())
    if len(line) <= limit and len(start) == len(text):
        return line
    return line[: max(limit - 1, 0)].rstrip() + "…"
