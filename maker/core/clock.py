"""The real clock. Tests bring their own."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Wall-clock time and real waiting."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait this long."""
        await asyncio.sleep(seconds)
