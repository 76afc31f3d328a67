"""The executor: carries out the steps of a validated plan."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from maker.core import events as e
from maker.core.checking import Check, Checker
from maker.core.isolation import is_isolated
from maker.core.keys import sample_place
from maker.core.loop import carry_out
from maker.core.models import AgentCall, AgentReply, FileChanges
from maker.core.moves import Do
from maker.core.seams import Agent
from maker.engine.asking import Asker
from maker.engine.isolation import Isolation, folder_of
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
        isolation: Isolation,
        *,
        at_once: bool = False,
    ) -> None:
        self._log, self._asker, self._agent, self._at_once = log, asker, agent, at_once
        self._checker, self._isolation = checker, isolation
        self._workings = Workings()

    async def process(self, event: e.Event) -> AsyncGenerator[e.Event, None]:
        """Carry out the executor's moves until there are none."""
        state, workings = self._log.state, self._workings
        next_moves = partial(moves, state, workings)
        build = partial(workings.call_for, state)
        via = self._agent.ask if state.settings.isolate == "off" else self._ask_isolated
        ask = partial(self._asker.ask, build=build, via=via)
        async for emitted in carry_out(next_moves, ask, self._do, at_once=self._at_once):
            yield emitted

    async def _ask_isolated(self, call: AgentCall) -> AgentReply:
        """The reply of an agent that works on a branch, if the step is one of those."""
        state, place = self._log.state, sample_place(call.key)
        assert place is not None, "only samples are asked here"
        step, lane = state.step(place.step), state.execution.lanes[place.lane]
        if is_isolated(step, lane.config, lane.effect):
            return await self._isolation.ask(call, self._agent.ask)
        return await self._agent.ask(call)

    async def _do(self, do: Do) -> None:
        """Do it, and record what came of it."""
        match do.value:
            case Check():
                await self._check(do, do.value)
            case FileChanges():
                await self._apply(do, do.value)

    async def _apply(self, do: Do, changes: FileChanges) -> None:
        """Apply what has won; its reply is on disk before, and says what is to be finished."""
        place = sample_place(do.key)
        assert place is not None, "only samples change files"
        folder = folder_of(self._log.state.execution.lanes[place.lane].config.cwd)
        await self._log.writer.durable()
        await self._isolation.apply(folder, changes)
        self._log.append(
            e.ChangesApplied(
                key=do.key,
                digest=changes.digest,
                folder=folder,
                paths=list(changes.paths),
                carried=list(changes.ignored),
            )
        )

    async def _check(self, do: Do, check: Check) -> None:
        """Have programs look at an answer, and record what they say."""
        await self._log.writer.room()
        verdict = await self._checker(check, self._log.session)
        self._log.append(
            e.AnswerChecked(
                key=do.key,
                answer=check.answer,
                flag=verdict.flag,
                problems=list(verdict.problems),
                duration_ms=verdict.duration_ms,
            )
        )
