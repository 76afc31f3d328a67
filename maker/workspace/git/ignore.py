"""Which untracked files git would leave out: the patterns of `.gitignore`, in linear time.

Pure. Patterns are data from others: each takes time in proportion to the path, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_PATTERNS = 2_000
"""Of one file; those beyond are left out."""
LONGEST_PATTERN = 500
_ANY_DEPTH = re.compile("")
"""In the place of a segment: `**`."""
_STAR = "[^/]*"
_TOKEN = re.compile(
    r"(?P<star>\*+)|(?P<any>\?)|\[(?P<not>[!^]?)(?P<set>\]?[^\]]*)\]|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)


class Pattern(NamedTuple):
    """One line, about the files below the folder of its file. `segments` match parts of a path."""

    segments: tuple[re.Pattern[str], ...]
    includes: bool
    folders_only: bool
    by_name: bool

    def matches(self, parts: Sequence[str], is_folder: bool) -> bool:
        """Whether it is about the file or folder with this path."""
        if self.folders_only and not is_folder:
            return False
        if self.by_name:
            parts = parts[-1:]
        # Part by part; where it fails, go on behind the last `**`, one part later.
        at = begin = 0
        behind = -1
        place = 0
        while place < len(parts):
            segment = self.segments[at] if at < len(self.segments) else None
            if segment is _ANY_DEPTH:
                at += 1
                behind, begin = at, place
            elif segment is not None and segment.fullmatch(parts[place]):
                at += 1
                place += 1
            elif behind >= 0:
                begin += 1
                at, place = behind, begin
            else:
                return False
        return at == len(self.segments)


def parse_ignore(text: str) -> list[Pattern]:
    """The patterns of a file, in their order."""
    parsed = (_pattern(line) for line in text.splitlines()[: 4 * MOST_PATTERNS])
    return [pattern for pattern in parsed if pattern is not None][:MOST_PATTERNS]


def verdict(patterns: Sequence[Pattern], parts: Sequence[str], is_folder: bool) -> bool | None:
    """Whether the file is left out: the last pattern about it decides; None where none is."""
    for pattern in reversed(patterns):
        if pattern.matches(parts, is_folder):
            return not pattern.includes
    return None


def _pattern(line: str) -> Pattern | None:
    line = re.sub(r"(?<!\\) +$", "", line) if len(line) <= LONGEST_PATTERN else ""
    if not line or line.startswith("#"):
        return None
    includes = line.startswith("!")
    glob = line[1:] if includes else line
    folders_only = glob.endswith("/")
    glob = glob.removesuffix("/")
    names = glob.removeprefix("/").split("/")
    try:
        segments = [_ANY_DEPTH if name == "**" else _segment(name) for name in names]
    except re.error:
        return None  # a set that is none, as in [z-a] or [a, matches nothing
    if len(names) > 1 and segments[-1] is _ANY_DEPTH:
        segments.append(_segment("*"))  # all below it, and not the folder itself
    return Pattern(tuple(segments), includes, folders_only, by_name="/" not in glob)


def _segment(glob: str) -> re.Pattern[str]:
    """The expression of one name. Between two stars the first match is as good as any other."""
    chunks = [""]
    for token in _tokens(glob):
        if token == _STAR:
            chunks.append("")
        else:
            chunks[-1] += token
    first, *middle = chunks[:-1] or chunks
    last = _STAR + chunks[-1] if len(chunks) > 1 else ""
    once = "".join(f"(?>{_STAR}?{chunk})" for chunk in middle)
    return re.compile(first + once + last, re.DOTALL)


def _tokens(glob: str) -> Iterator[str]:
    for token in _TOKEN.finditer(glob):
        if token["star"]:
            yield _STAR
        elif token["any"]:
            yield "[^/]"
        elif token["set"] is not None:
            inside = re.sub(r"([\\\[\]^&|~])", r"\\\1", token["set"])
            yield f"[^/{inside}]" if token["not"] else f"[{inside}]"
        elif token["plain"] == "[":
            raise re.error("a set that is not closed")
        else:
            yield re.escape(token["escaped"] or token["plain"])
