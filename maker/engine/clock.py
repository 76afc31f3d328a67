"""The real clock. Tests bring their own."""

from __future__ import annotations

import asyncio
import time

from maker.core.policy import LONGEST_WAIT_S
from maker.core.seams import Clock

_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux stops its monotonic clock while the machine sleeps; macOS, which has no other, does not."""


PART_S = 60.0
"""A long wait is made of such parts, and the clock on the wall looked at after each."""


class SystemClock:
    """Wall-clock time and real waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def uptime(self) -> float:
        """Seconds of a clock that is never set, and runs on while the machine sleeps."""
        return time.clock_gettime(_UPTIME)

    async def sleep(self, seconds: float) -> None:
        """Wait this long."""
        await asyncio.sleep(seconds)


async def rest(clock: Clock, seconds: float, unless: asyncio.Event) -> None:
    """Wait this long, or until the event happens.

    A long wait is one for a time of the day: it ends then, too, where the machine slept meanwhile.
    """
    end = clock.now() + seconds
    while seconds > 0 and not unless.is_set():
        part = seconds if seconds <= LONGEST_WAIT_S else PART_S
        both = {asyncio.ensure_future(clock.sleep(part)), asyncio.ensure_future(unless.wait())}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
        seconds = end - clock.now() if seconds > LONGEST_WAIT_S else 0.0
