"""How outputs are compared: the part that is voted on, and its canonical text. Pure."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from maker.core.paths import look_up

_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode


def canonical(value: Any) -> str:
    """Canonical JSON: equal for answers that mean the same, and only for those.

    Keys are sorted; numerically equal numbers are equal (1.0 and 1), a bool is no number; strings
    are compared in Unicode's composed form (NFC), and otherwise exactly.
    """
    return _encode(_comparable(value))


def _comparable(value: Any) -> Any:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _comparable(item) for key, item in value.items()}
        case list():
            return [_comparable(item) for item in value]
        case _:
            return value


def pick(output: Any, paths: Sequence[str]) -> Any:
    """The selected dotted paths of an output, null where absent; all of it without paths."""
    if not paths:
        return output
    return {path: look_up(output, path) for path in paths}
