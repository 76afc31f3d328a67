"""What tells the answer from the other things in a reply: the declared field names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

TOP_KEY = re.compile(
    r"^([\"']?)([A-Za-z_][\w.-]*(?: [\w.-]+){0,3})\1[ \t]{0,8}:(?=\s|$)", re.MULTILINE
)
"""The first line of a mapping in block style."""

_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_WRAPPER = re.compile(
    r"(?:final_?)?(?:output|result|answer|response|reply|data|json)|step_\d+_output", re.IGNORECASE
)


def letters(text: str) -> str:
    """What is left of a name without case and separators."""
    return re.sub(r"[\s_-]+", "", text).casefold()


class Wanted:
    """The field names that tell the answer from other things in the text; none: any will do."""

    def __init__(self, fields: Iterable[str], *, at_any_depth: bool = False) -> None:
        self.fields = frozenset(map(letters, fields))
        self.at_any_depth = at_any_depth

    def names(self, key: str) -> bool:
        """Whether the key is a wanted field, whatever its case and separators."""
        return letters(key) in self.fields

    def may_start(self, line: str) -> bool:
        """Whether a block that starts with this line may be the answer."""
        found = TOP_KEY.match(line)
        if not found:
            return False
        if not self.fields or self.at_any_depth:
            return bool(_WORD.fullmatch(found[2]))
        return self.names(found[2]) or found[2] == "cannot" or self.is_wrapper(found[2])

    def is_wrapper(self, key: str) -> bool:
        """Whether models put answers inside of something of this name."""
        return bool(_WRAPPER.fullmatch(key))

    def accepts(self, value: Any, depth: int = 3) -> bool:
        """Whether the value looks like the answer."""
        if isinstance(value, list):
            return not self.fields or (
                self.at_any_depth and depth > 0 and any(self.accepts(v, depth) for v in value[:2])
            )
        if not isinstance(value, dict):
            return False
        if not self.fields or "cannot" in value or any(map(self.names, value)):
            return True
        if depth == 0 or not (self.at_any_depth or len(value) == 1):
            return False
        return any(self.accepts(each, depth - 1) for each in list(value.values())[:8])

    def is_complete(self, value: dict[str, Any]) -> bool:
        """Whether the mapping names every wanted field."""
        return bool(self.fields) and self.fields <= set(map(letters, value))
