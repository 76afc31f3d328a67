"""What was read from a text, and how sure the reading is."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Verdict = Literal["clean", "extracted", "normalised", "repaired", "unreadable"]
VERDICTS: tuple[Verdict, ...] = ("clean", "extracted", "normalised", "repaired", "unreadable")
"""From the surest to none."""


class Loaded(Struct, frozen=True, kw_only=True):
    """A value and the verdict on its text; `notes` list what was done, `error` why nothing was.

    `is_exact`: the value is plain JSON and fits what is declared, so nobody need look again.

    *clean*: the whole text is the value. *extracted*: a fence or prose stood around it.
    *normalised*: converted without loss. *repaired*: guessed. *unreadable*: there is no value.
    """

    verdict: Verdict
    value: Any = None
    notes: list[str] = []
    error: str = ""
    is_exact: bool = False


class Unreadable(Exception):
    """The text cannot be read as a value, for this reason."""


def worse(one: Verdict, other: Verdict) -> Verdict:
    """The less sure of two verdicts."""
    return max(one, other, key=VERDICTS.index)
