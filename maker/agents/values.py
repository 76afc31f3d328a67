"""Reads attributes of the SDK's messages by their type.

An attribute counts only if it has its type, so that a stand-in for a message with arbitrary
attributes does no harm.
"""

from __future__ import annotations

import math
from typing import Any


def string(value: Any) -> str:
    """The value if it is a string, or nothing."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """The value if it is a finite number from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def count(value: Any) -> int | None:
    """The value if it is a number from 0, whole."""
    found = number(value)
    return None if found is None else int(found)
