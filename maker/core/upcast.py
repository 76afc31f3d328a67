"""Stored events of older versions, turned into today's shape; a log is never rewritten.

The tag of an event is its type and, from the second version on, its version: `StepStarted`, then
`StepStarted@2`. The set of an event's fields and their defaults belong to its version, those of
the values in it too: whoever changes one adds an upcaster that writes the old meaning in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Upcaster = Callable[[Document], Document]

UPCASTERS: Mapping[str, Upcaster] = {}
"""By the tag of an old version: gives the event as the version after it, with that one's tag."""

DEFAULTS_LEFT_OUT = 3
"""From these rules on, frequent events are stored without the fields that have their defaults."""
SINCE: Mapping[tuple[str, str], int] = {}
"""The rules from which a type of event has a field that was added later: where older ones decided,
a replay does not compare it."""


def is_compared(kind: str, field: str, *, recorded: bool, rules: int) -> bool:
    """Whether a derived event that was made under these rules says something about the field."""
    return recorded or rules >= max(DEFAULTS_LEFT_OUT, SINCE.get((kind, field), 0))


def upcast(document: Document, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Document:
    """The event of any version as today's; one that is of today is given back as it is."""
    while (upcaster := upcasters.get(document.get("type", ""))) is not None:
        document = upcaster(document)
    return document
