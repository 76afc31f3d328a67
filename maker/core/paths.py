"""Dotted paths into outputs, such as `step_0_output.files`. Pure."""

from __future__ import annotations

from typing import Any


def look_up(value: Any, path: str) -> Any:
    """What the path leads to, or None. Over a list a number picks an item, a name maps."""
    for name in path.split(".") if path else []:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        elif isinstance(value, list):
            value = [look_up(item, name) for item in value]
        else:
            return None
    return value
