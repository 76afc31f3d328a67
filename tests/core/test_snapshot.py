"""The fold as bytes: what comes back is what went in, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from maker.core import snapshot
from maker.core.snapshot import decode_state, encode_state
from maker.core.state import Execution, RunState

LAYOUTS = {
    1: "9a9a58513535a4c0",
    2: "2706fa9d19aad0af",
    3: "f499908be8958e1c",
    4: "a65603a3dbc286d9",
    5: "2ed1470f00ddb6bf",
    6: "b62627beaf310657",
    7: "181ce6f1e22738a8",
    8: "7e978e8981555c48",
}
"""What a state consists of, by `LAYOUT`: whoever changes a state raises that, and adds a line."""


def layout(kind: Any, seen: set[str]) -> list[str]:
    """The fields of a type and of all that it consists of."""
    inner = [line for part in typing.get_args(kind) for line in layout(part, seen)]
    if not isinstance(kind, type) or kind.__name__ in seen:
        return inner
    hints = typing.get_type_hints(kind) if _has_fields(kind) else {}
    seen.add(kind.__name__)
    spelled = {name: text for base in kind.__mro__ for name, text in _spelled(base).items()}
    own = [f"{kind.__name__}.{name}: {spelled[name]}" for name in hints]
    return own + inner + [line for hint in hints.values() for line in layout(hint, seen)]


def _spelled(kind: type) -> dict[str, str]:
    """Annotations as they stand in the source, without what else a setting says of itself."""
    spelled = vars(kind).get("__annotations__", {})
    return {name: re.sub(r"(?s), Setting\(.*", "", str(text)) for name, text in spelled.items()}


def _has_fields(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct)


def test_a_state_of_another_layout_has_another_format() -> None:
    lines = "\n".join(sorted(layout(RunState, set())))
    digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
    assert LAYOUTS[snapshot.LAYOUT] == digest, "raise LAYOUT in core/snapshot.py"


def test_a_fresh_state_comes_back() -> None:
    snapshot = encode_state(RunState())
    assert snapshot is not None
    assert decode_state(snapshot) == RunState()


def test_a_state_with_an_integer_that_is_too_long_has_no_snapshot() -> None:
    assert encode_state(RunState(execution=Execution(outputs={0: {"n": 10**30}}))) is None


@given(st.binary(max_size=40))
def test_what_is_no_snapshot_is_no_state(junk: bytes) -> None:
    state = decode_state(junk)
    assert state is None or isinstance(state, RunState)


def test_a_snapshot_that_is_cut_is_no_state() -> None:
    whole = encode_state(RunState())
    assert whole is not None
    assert all(decode_state(whole[:length]) is None for length in range(len(whole)))
