"""The entrance: what comes from outside becomes valid text without secrets, once, before use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from maker.core.text import clean, redact

T = TypeVar("T", bound=msgspec.Struct)


def purified(value: T, secrets: Sequence[str]) -> T:
    """The value with every text in it made valid UTF-8 and free of credentials."""
    return msgspec.convert(_pure(msgspec.to_builtins(value), secrets), type(value))


def _pure(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return redact(clean(value), secrets)
    if isinstance(value, dict):
        return {_pure(key, secrets): _pure(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pure(item, secrets) for item in value]
    return value
