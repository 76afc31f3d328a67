"""Something that is found out once for all that ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Keeps what was found. A failure is that of everybody who waited for it, and is not kept."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._found: list[T] = []
        self._failures: list[Exception] = []

    async def get(self, find: Callable[[], Awaitable[T]]) -> T:
        """What was found, or what `find` finds now, or the failure that was waited for."""
        failures_before = len(self._failures)
        async with self._one_at_a_time:
            if self._found:
                return self._found[0]
            if len(self._failures) > failures_before:
                raise self._failures[-1]
            try:
                self._found.append(await find())
            except Exception as failure:
                self._failures.append(failure)
                raise
            return self._found[0]
