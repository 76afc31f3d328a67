"""Text of others on the screen: every line is broken by us, so that none can pass for one of ours.

Pure. What a terminal would break by itself would go on at its left edge, where maker speaks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from maker.core.text import terminal_safe

QUOTE = "> "
"""Before each line of what others wrote."""
WIDTH = 100
"""Where nobody knows how wide the screen is."""
NARROWEST = 20


def lines_of(text: str, width: int) -> list[str]:
    """The text as lines that fit, harmless; no empty lines at its ends, never two in a row."""
    lines: list[str] = []
    for line in terminal_safe(text).expandtabs(4).split("\n"):
        for piece in _pieces(line.rstrip(), max(width, NARROWEST)):
            if piece or (lines and lines[-1]):
                lines.append(piece)
    return lines[:-1] if lines and not lines[-1] else lines


def _pieces(line: str, width: int) -> Iterator[str]:
    """The line cut where the width ends, at a blank if there is one."""
    start = 0
    while True:
        end = _end(line, start, width)
        if end == len(line):
            yield line[start:]
            return
        blank = line.rfind(" ", start + 1, end + 1)
        end = blank if blank > start else end
        yield line[start:end].rstrip()
        start = end
        while line[start] == " ":  # the line has no blanks at its end
            start += 1


def _end(line: str, start: int, width: int) -> int:
    """Where the piece that begins at `start` must end; wide characters take two places."""
    end = min(start + width, len(line))
    if not line.isascii():
        room = width
        for place in range(start, end):
            room -= 2 if unicodedata.east_asian_width(line[place]) in "WF" else 1
            if room < 0:
                return place
    return end
