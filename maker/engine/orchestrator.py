"""The loop: decide, let a module process, append, apply, yield.

A fresh run is the resume of a log with one event in it; there is no other path.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from maker.agents import processes
from maker.agents.runner import AgentRunner
from maker.core import events as e
from maker.core.checking import Checker
from maker.core.ids import new_run_id
from maker.core.interruption import finish
from maker.core.kinds import kind_of
from maker.core.models import MOST_CONTEXT_CHARACTERS, RunId, TaskConfig
from maker.core.moves import Dispatch, Emit, Pause
from maker.core.policy import decide, pinned
from maker.core.seams import Agent, AskUser, Clock, EventStore, Record, StopRequest
from maker.core.state import RunState, changed
from maker.core.version import RULES
from maker.engine.asking import Asker
from maker.engine.checking import AnswerChecker
from maker.engine.claim import Claim
from maker.engine.clock import SystemClock
from maker.engine.executor import ExecutorModule
from maker.engine.isolation import Isolation, Trees, usual_trees
from maker.engine.log import EventLog
from maker.engine.planner import PlannerModule, answered
from maker.engine.trouble import Tell, warn
from maker.engine.validator import ValidatorModule
from maker.engine.writer import MOST_AHEAD, MOST_AHEAD_UNPAID
from maker.errors import ConfigError, RunMustPause, StalledDispatch, StoreError
from maker.prompts.version import PROMPT_VERSION
from maker.store import rescue
from maker.store.integrity import START, Head
from maker.store.memory import MemoryStore
from maker.store.rescue import NOTHING, Rescued
from maker.tools.registry import ToolRegistry

Consent = Callable[[RunState], Awaitable[Sequence[e.Event]]]
"""Asked when the plan needs consent: gives input events, or none where nobody can answer."""


LISTEN_EVERY_S = 1.0
"""How often the owner of a run looks whether another process asks for something."""


async def nobody(state: RunState) -> Sequence[e.Event]:
    """The consent of a program that nobody watches: none."""
    return ()


class Orchestrator:
    """One run, from its first or its next event to the point where it ends or pauses.

    `state`: the fold of the log up to `head`, where the caller has it; it is changed from here on.
    """

    def __init__(
        self,
        config: TaskConfig,
        registry: ToolRegistry,
        *,
        store: EventStore | None = None,
        agent: Agent | None = None,
        clock: Clock | None = None,
        consent: Consent = nobody,
        ask_user: AskUser | None = None,
        run_id: RunId | None = None,
        history: Sequence[Record] = (),
        state: RunState | None = None,
        head: Head = START,
        workspace: str = "",
        context: str = "",
        inputs: Mapping[str, Any] | None = None,
        secrets: Sequence[str] = (),
        rescued: Rescued = NOTHING,
        tell: Tell = warn,
        checker: Checker | None = None,
        trees: Trees = usual_trees,
    ) -> None:
        self._config, self._registry = config, registry
        self._workspace, self._context, self._inputs = workspace, context, dict(inputs or {})
        self._clock: Clock = clock or SystemClock()
        self._consent, self._rescued, self._tell = consent, rescued, tell
        self._ask_user = ask_user
        self.run_id = run_id or new_run_id(self._clock.now())
        self._store: EventStore = store or MemoryStore()
        self._cancelled: StopRequest | None = None
        claim = self._claim = Claim(self.run_id, self._store, self._clock)
        kind = kind_of(config.agent)
        self._log = EventLog(
            claim,
            history,
            state=state,
            head=head,
            secrets=secrets,
            patience_s=config.patience_s,
            most_ahead=MOST_AHEAD if kind.is_paid else MOST_AHEAD_UNPAID,
            tell=tell,
        )
        asker = self._asker = Asker(self._log, self._clock, ask_user)
        seam = agent or AgentRunner(live_servers=registry.live_servers)
        self._planner = PlannerModule(self._log, asker, seam)
        self._validator = ValidatorModule(self._log, asker, seam)
        self._executor = ExecutorModule(
            self._log,
            asker,
            seam,
            checker or AnswerChecker(os.environ, secrets),
            Isolation(trees),
            at_once=kind.answers_at_once,
        )

    @property
    def state(self) -> RunState:
        """The fold of the log as it is now."""
        return self._log.state

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last event."""
        return self._log.head

    @property
    def stored(self) -> tuple[int, bytes]:
        """Number and hash of the last event that is on disk."""
        return self._log.writer.stored.seq, self._log.writer.stored.hash

    def pure(self, text: str) -> str:
        """The text as the log keeps it, for looking up what it has."""
        return self._log.pure(text)

    async def run(self, *opening: e.Event) -> AsyncGenerator[e.Event, None]:
        """Yield the events of this session, each once it is on disk.

        `opening` is what starts the session: by default the submission of the task; for a log
        with a history, a `RunResumed`. Leaving the iteration early pauses the run.
        """
        is_new = self._log.head[0] == 0
        pump = asyncio.create_task(
            self._pump(opening or ((self.submission(),) if is_new else ())), name="pump"
        )
        try:
            async for event in self._log.writer.events():
                yield event
            await pump
        finally:
            self._log.writer.hurry()
            pump.cancel()
            await finish(pump)

    def submission(self) -> e.TaskSubmitted:
        """The first event: all that comes from the user, its default model pinned."""
        config = pinned(changed(self._config, {"mcp_servers": self._registry.mcp_servers}))
        if not isinstance(self._context, str):
            raise ConfigError("the context is not a string", field="context")
        if len(self._context) > MOST_CONTEXT_CHARACTERS:
            raise ConfigError(
                f"the context has {len(self._context):,} characters, more than the limit of "
                f"{MOST_CONTEXT_CHARACTERS:,}",
                field="context",
                advice="Give an excerpt, or put it into a file and let a step read that.",
            )
        return e.TaskSubmitted(
            instruction=config.instruction,
            config=config,
            tools=self._registry.specs(),
            workspace=self._workspace,
            context=self._context,
            prompt_version=PROMPT_VERSION,
            rules=RULES,
            inputs=self._inputs,
        )

    async def _pump(self, opening: Sequence[e.Event]) -> None:
        is_ours, listening = False, None
        try:
            await self._log.writer.open()
            is_ours = True
            session = self._claim.dead_session()
            for process in processes.kill_session(session) if session else ():
                self._tell(f"ended what an agent of the dead session had left: {process.command}")
            await self._open(opening)
            listening = asyncio.create_task(self._listen(asyncio.current_task()), name="listen")
            await self._drive()
        except RunMustPause as pause:
            detail = f"{pause.detail.rstrip('.')}. {pause.advice}" if pause.advice else pause.detail
            self._log.append(e.RunPaused(reason=pause.reason, detail=detail))
        except asyncio.CancelledError:
            is_ours = is_ours and not self._log.writer.failed
            if is_ours and self.state.status == "running" and self.state.submitted:
                stop = self._cancelled
                interrupted = e.RunPaused(reason="signal", detail="interrupted")
                self._log.append(e.RunCancelled(detail=stop.detail) if stop else interrupted)
            if self._cancelled is None:
                raise
        finally:
            await finish(asyncio.ensure_future(self._close(listening)))

    async def _listen(self, pump: asyncio.Task[None] | None) -> None:
        """Do what other processes ask of this run: only its owner writes to its log."""
        while True:
            await asyncio.sleep(LISTEN_EVERY_S)
            try:
                requests = await self._store.stop_requests(self.run_id)
            except StoreError:
                continue  # the writer meets the same trouble, and tells of it
            for request in requests:
                if request.kind == "pause":
                    self._asker.pause(RunMustPause("user", request.detail))
                elif request.kind == "cancel" and self.state.status == "running" and pump:
                    self._cancelled = request
                    pump.cancel()
                    return

    async def _open(self, opening: Sequence[e.Event]) -> None:
        """Append what opens the session; a log that has grown meanwhile refuses it here."""
        self._log.adopt(self._rescued.records, self._rescued.blobs)
        for event in opening:
            self._log.append(event)
        await self._log.writer.durable()
        for path in self._rescued.paths:
            self._tell(f"stored what was in the rescue file {path}")
        rescue.remove(self._rescued)

    async def _close(self, listening: asyncio.Task[None] | None) -> None:
        if listening is not None:
            listening.cancel()
            await asyncio.wait({listening})
        await self._log.writer.close()

    async def _drive(self) -> None:
        while (decision := decide(self.state)) is not None:
            match decision:
                case Emit(event):
                    self._log.append(event)
                case Dispatch():
                    await self._dispatch(decision)
                case Pause():
                    for event in await self._settle(decision):
                        self._log.append(event)
            await self._log.writer.room()

    async def _dispatch(self, dispatch: Dispatch) -> None:
        before = self._log.head
        match dispatch.module:
            case "planner":
                events = self._planner.process(dispatch.event)
            case "validator":
                events = self._validator.process(dispatch.event)
            case "executor":
                events = self._executor.process(dispatch.event)
        async with contextlib.aclosing(events):
            async for event in events:
                self._log.append(event)
                await self._log.writer.room()
        if self._log.head == before:
            raise StalledDispatch(
                f"the {dispatch.module} was given {type(dispatch.event).__name__} and did nothing",
                advice="This is a defect in maker; see `maker show RUN --events`.",
            )

    async def _settle(self, pause: Pause) -> Sequence[e.Event]:
        """What an outsider says to a pause; without an answer the run pauses."""
        match pause.reason:
            case "approval":
                answer = await self._unless_pausing(self._consent(self.state))
            case "question" if self._ask_user is not None:
                answer = await self._unless_pausing(self._answer(pause.detail, self._ask_user))
            case _:
                answer = ()
        return answer or (e.RunPaused(reason=pause.reason, detail=pause.detail),)

    async def _answer(self, question: str, ask_user: AskUser) -> Sequence[e.Event]:
        """What the user says to the planner; nothing where that is nothing."""
        return answered(self.state, await ask_user(question, ()))

    async def _unless_pausing(self, asking: Awaitable[Sequence[e.Event]]) -> Sequence[e.Event]:
        """The user's answer; none where another process asks for a pause before it comes."""
        consent = asyncio.ensure_future(asking)
        pausing = asyncio.ensure_future(self._asker.pausing.wait())
        try:
            await asyncio.wait({consent, pausing}, return_when=asyncio.FIRST_COMPLETED)
            return consent.result() if consent.done() else ()
        finally:
            pausing.cancel()
            consent.cancel()
            await asyncio.wait({consent})
