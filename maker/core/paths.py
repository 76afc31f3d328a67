"""Dotted paths into outputs, such as `step_0_output.files`. Pure."""

from __future__ import annotations

from typing import Any


def look_up(value: Any, path: str) -> Any:
    """What the path leads to, or None; over a list it gives the list of what each item has."""
    for name in path.split(".") if path else []:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list):
            value = [item.get(name) if isinstance(item, dict) else None for item in value]
        else:
            return None
    return value
