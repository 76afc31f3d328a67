"""Who owns a lease: a process, and within it a session."""

from __future__ import annotations

import pytest

from fakes import RUN
from maker.errors import RunBusy
from maker.store.lease import is_dead, this_process
from maker.store.memory import MemoryStore


async def test_two_sessions_of_one_process_exclude_each_other() -> None:
    store = MemoryStore()
    await store.acquire(RUN, this_process("one"), 0.0, 30.0)
    with pytest.raises(RunBusy):
        await store.acquire(RUN, this_process("two"), 1.0, 30.0)


def test_a_session_is_alive_as_long_as_its_process_is() -> None:
    assert not is_dead(this_process("one"))
