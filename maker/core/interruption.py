"""A cancelled call that had bought something. Apart from the seams: asyncio is slow to load."""

from __future__ import annotations

import asyncio


class AgentInterrupted(asyncio.CancelledError):
    """The call was cancelled after it had bought this much, at list price."""

    def __init__(self, cost_usd: float, tokens: int) -> None:
        super().__init__("interrupted")
        self.cost_usd, self.tokens = cost_usd, tokens
