"""Aligned plain text: columns for people, without a library and without colours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows under their headings; a heading that begins with `>` aligns its column right."""
    right = [heading.startswith(">") for heading in headings]
    lines = [[heading.removeprefix(">") for heading in headings], *rows]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = []
        for text, columns, is_right in zip(line, widths, right, strict=True):
            padding = " " * (columns - width(text))
            cells.append(padding + text if is_right else text + padding)
        yield "  ".join(cells).rstrip()


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    base = [char for char in text if not unicodedata.combining(char)]
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in base)
