"""The fold of a long log as bytes: a cache that can be dropped at any moment, and never shows.

Pure; where it is kept and proved is the store's matter. `LAYOUT` goes up with every change of what
`RunState` consists of or of what the fold makes of an event: a test holds it to the fields.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from maker.core.state import RunState
from maker.core.version import RULES

LAYOUT = 8
FORMAT = f"maker {LAYOUT}.{RULES}"
"""A snapshot of another format is not read: the log is."""


def encode_state(state: RunState) -> bytes | None:
    """The state as bytes; None for one that holds what they cannot, as a very long integer."""
    try:
        return msgspec.msgpack.encode(state)
    except OverflowError:
        return None


def decode_state(snapshot: bytes) -> RunState | None:
    """The state that `encode_state` was given; None for what it has not written."""
    try:
        return _decoder.decode(snapshot)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError, RecursionError):
        return None


def _counter(kind: Any, value: Any) -> Any:
    """The one type in a state that msgspec does not know."""
    if getattr(kind, "__origin__", kind) is Counter:
        return Counter(value)
    raise NotImplementedError(f"a state has no {kind}")


_decoder = msgspec.msgpack.Decoder(RunState, dec_hook=_counter)
