"""Replies spoiled at random, the same for the same seed: for the fuzz test and the benchmark."""

from __future__ import annotations

import random
from collections.abc import Callable

_SIGNS = "{}[]\",:'\\#|>-&*!?@`%~= \n\t\r\x00\u00a0“”\ud800😀é0aN"
_PARTS = (
    *("```", "```json\n", "```yaml\n", "\n---\n", "{}", '{"a": 1}', "a: 1\n", "\n\n", "null", "- "),
    *('"', "\\", "\\u", "\\ud83d", "1e999", "9" * 400, "| \n", ">\n", "&x ", "*x", "<<: ", "? "),
    *("[" * 70, '{"a":' * 70, "  " * 40, "API Error: ", "// ", "# ", "None", "NaN", "\ufeff"),
)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _drop(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.randrange(1, 8) :]


def _insert_sign(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_SIGNS) + text[at:]


def _insert_part(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_PARTS) + text[at:]


def _repeat_slice(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.randrange(1, 60))
    return text[:end] + text[start:end] * rng.randrange(1, 4) + text[end:]


def _swap_lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _indent_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines[at] = rng.choice([" ", "  ", "\t", "    "]) + lines[at]
    return "\n".join(lines)


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    *(_cut, _drop, _insert_sign, _insert_part, _repeat_slice, _swap_lines, _indent_line),
)


def spoiled(text: str, rng: random.Random) -> str:
    """The text after one to five random mutations."""
    for _ in range(rng.randrange(1, 6)):
        text = rng.choice(_MUTATIONS)(text, rng)
    return text


def noise(rng: random.Random) -> str:
    """Random bytes or signs, as text."""
    size = rng.choice([1, 10, 100, 1000, 5000])
    if rng.random() < 0.5:
        return rng.randbytes(size).decode("utf-8", "surrogateescape")
    return "".join(rng.choices(_SIGNS, k=size))
