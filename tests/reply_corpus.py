"""The corpus of replies: one file a case, read the same way by tests and benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

FOLDER = Path(__file__).parent / "corpus" / "replies"
_KNOWN = {"about", "schema", "text_fields", "targets", "verdict", "value", "flag", "reply"}


class Case(Struct, frozen=True):
    """A reply and what must come of it."""

    name: str
    reply: str
    header: dict[str, str]

    @property
    def schema(self) -> str:
        """The declared schema; that of a conditional step where there are targets."""
        conditional = "{next_step: int, reason: string}" if self.targets is not None else ""
        return self.header.get("schema", conditional)

    @property
    def targets(self) -> tuple[int, ...] | None:
        """Where the conditional step may lead."""
        spelled = self.header.get("targets")
        return None if spelled is None else tuple(map(int, spelled.split()))

    @property
    def text_fields(self) -> frozenset[str]:
        """The fields that keep their text, for a reply that is read as a plan."""
        return frozenset(self.header.get("text_fields", "").split())

    @property
    def value(self) -> Any:
        """The value that must come out."""
        return json.loads(self.header.get("value", "null"))


def cases() -> list[Case]:
    """All cases, by name. Raises ValueError for a file that is none."""
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> Case:
    with path.open(encoding="utf-8", newline="") as file:
        head, mark, reply = file.read().partition("\n=====\n")
    header = dict(line.split(": ", 1) for line in head.splitlines())
    if not mark or not header.keys() <= _KNOWN or "about" not in header:
        raise ValueError(f"{path.name}: no case; README.md shows the form")
    reply = reply.removesuffix("\n")
    if "reply" in header:
        reply = json.loads(reply)
    return Case(path.stem, reply, header)
