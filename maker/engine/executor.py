"""The executor: carries out the steps of a validated plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from maker.core import events as e
from maker.core.loop import carry_out
from maker.core.models import CallKey
from maker.core.seams import Agent
from maker.engine.asking import Asker
from maker.engine.log import EventLog
from maker.steps.context import call_for
from maker.steps.moves import moves


class ExecutorModule:
    """Turns `ValidationPassed` into the steps' events and `TaskCompleted` or `TaskFailed`."""

    def __init__(self, log: EventLog, asker: Asker, agent: Agent) -> None:
        self._log, self._asker, self._agent = log, asker, agent

    async def process(self, event: e.Event) -> AsyncGenerator[e.Event, None]:
        """Carry out the executor's moves until there are none."""
        async for emitted in carry_out(lambda: moves(self._log.state), self._ask):
            yield emitted

    async def _ask(self, key: CallKey) -> None:
        await self._asker.ask(key, lambda key: call_for(self._log.state, key), self._agent.ask)
