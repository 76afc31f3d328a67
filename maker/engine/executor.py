"""The executor: carries out the steps of a validated plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from maker.core import events as e
from maker.core.checking import Checker
from maker.core.loop import carry_out
from maker.core.moves import Do
from maker.core.seams import Agent
from maker.engine.asking import Asker
from maker.engine.log import EventLog
from maker.steps.moves import moves
from maker.steps.workings import Workings


class ExecutorModule:
    """Turns `ValidationPassed` into the steps' events and `TaskCompleted` or `TaskFailed`."""

    def __init__(
        self,
        log: EventLog,
        asker: Asker,
        agent: Agent,
        checker: Checker,
        *,
        at_once: bool = False,
    ) -> None:
        self._log, self._asker, self._agent, self._at_once = log, asker, agent, at_once
        self._checker = checker
        self._workings = Workings()

    async def process(self, event: e.Event) -> AsyncGenerator[e.Event, None]:
        """Carry out the executor's moves until there are none."""
        state, workings = self._log.state, self._workings
        next_moves = partial(moves, state, workings)
        build = partial(workings.call_for, state)
        ask = partial(self._asker.ask, build=build, via=self._agent.ask)
        async for emitted in carry_out(next_moves, ask, self._check, at_once=self._at_once):
            yield emitted

    async def _check(self, do: Do) -> None:
        """Have programs look at an answer, and record what they say."""
        await self._log.writer.room()
        verdict = await self._checker(do.check, self._log.session)
        self._log.append(
            e.AnswerChecked(
                key=do.key,
                answer=do.check.answer,
                flag=verdict.flag,
                problems=list(verdict.problems),
                duration_ms=verdict.duration_ms,
            )
        )
