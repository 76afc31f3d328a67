"""What a cancellation must not lose. Apart from the seams: asyncio is slow to load."""

from __future__ import annotations

import asyncio
from typing import Any


class AgentInterrupted(asyncio.CancelledError):
    """The call was cancelled after it had bought this much, at list price."""

    def __init__(self, cost_usd: float, tokens: int) -> None:
        super().__init__("interrupted")
        self.cost_usd, self.tokens = cost_usd, tokens


async def finish(task: asyncio.Future[Any]) -> None:
    """Wait for a task to end however often the waiter is cancelled; then be cancelled."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break
            cancelled = True
        except Exception:
            break
    if cancelled:
        raise asyncio.CancelledError
