"""The one wrapper around `Agent.ask`: a call is looked up, or asked, recorded and returned.

It owns the limit on samples at once, the caps, the waiting after faults, and what an agent may ask
the user. It never buys or asks what the log already has, and never loses what it bought.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from maker.core import events as e
from maker.core.effects import has_effects
from maker.core.entrance import bounded
from maker.core.interruption import AgentInterrupted
from maker.core.models import AgentCall, AgentReply, CallKey
from maker.core.policy import LONGEST_WAIT_S, SUCCESSORS, retry_wait_s
from maker.core.requests import kept_prompt, request_hash
from maker.core.seams import AskUser, Clock
from maker.engine import budget
from maker.engine.clock import rest
from maker.engine.log import EventLog
from maker.errors import (
    AgentNotReady,
    AgentUnavailable,
    ConfigError,
    ModelNotFound,
    RunMustPause,
)

Ask = Callable[[AgentCall], Awaitable[AgentReply | str]]

MOST_QUESTIONS = 3
"""How many questions of one call the user is asked."""
MOST_QUESTION_CHARACTERS = 20_000
"""With its options; nobody reads a longer one on a terminal."""
GO_ON = "There is no answer to that. Go on with your best judgement."


class Asker:
    """Asks the agent for one run, at most `samples_at_once` calls at a time."""

    def __init__(self, log: EventLog, clock: Clock, ask_user: AskUser | None = None) -> None:
        self._log, self._clock, self._ask_user = log, clock, ask_user
        self._one_question = asyncio.Lock()
        self._under_way: dict[CallKey, float | None] = {}
        self._freed = asyncio.Condition()
        self.pausing = asyncio.Event()
        self._pause: RunMustPause | None = None

    async def ask(self, key: CallKey, build: Callable[[CallKey], AgentCall], via: Ask) -> None:
        """Make sure that the log has the reply to this call.

        Raises RunMustPause where it cannot be had now: a cap, a rate limit, no login.
        """
        if self._log.state.reply(key) is not None:
            return
        try:
            share = await self._admission(key)
            await self._log.writer.room()
            session = self._log.session
            call = msgspec.structs.replace(build(key), budget_usd=share, session=session)
            if has_effects(call.effect):
                await self._log.writer.durable()
            await self._ask_until_answered(call, via)
        except RunMustPause as pause:
            self.pause(pause)
            raise
        finally:
            self._under_way.pop(key, None)
            async with self._freed:
                self._freed.notify_all()

    def pause(self, pause: RunMustPause) -> None:
        """Launch no call from now on; those that are under way are waited for."""
        self._pause = self._pause or pause
        self.pausing.set()

    async def answer(self, key: CallKey, question: str, options: Sequence[str]) -> str:
        """What the user says to a question of this call, from the log where it has it.

        Without an answer, or after too many or too long questions, the advice to go on.
        """
        if sum(map(len, (question, *options))) > MOST_QUESTION_CHARACTERS:
            return GO_ON
        question, *labels = map(self._log.pure, (question, *options))
        async with self._one_question:
            answers = self._log.state.answers
            answer = answers.get((key, question))
            may_ask = sum(asker == key for asker, _ in answers) < MOST_QUESTIONS
            if answer is None and self._ask_user is not None and may_ask:
                answer = (await self._ask_user(question, labels)).strip()
                self._log.append(e.QuestionAnswered(key=key, question=question, answer=answer))
                answer = self._log.state.answers[key, question]
        return answer or GO_ON

    async def _admission(self, key: CallKey) -> float | None:
        """Wait until the call may be launched; its share of what is left of the cap on costs."""
        async with self._freed:
            while True:
                now = self._clock.now()
                verdict = budget.verdict(self._log.state, key, self._under_way, now)
                if verdict != "wait":
                    break
                await self._freed.wait()
            self._check_pause()
            if isinstance(verdict, budget.Stop):
                raise RunMustPause("budget", verdict.reason)
            self._under_way[key] = verdict.budget_usd
            return verdict.budget_usd

    def _check_pause(self) -> None:
        """Once one call has found that the run must pause, no other is launched."""
        if self._pause is not None:
            raise self._pause

    async def _ask_until_answered(self, call: AgentCall, via: Ask) -> None:
        waits = 0
        while True:
            await self._log.writer.ready()
            self._check_pause()
            try:
                reply = await via(call)
            except AgentInterrupted as cut:
                self._record_interruption(call, cut)
                raise
            except AgentUnavailable as fault:
                await self._wait(call, fault, waits)
                call = _with_less(call, fault.cost_usd)
                self._under_way[call.key] = call.budget_usd
                waits += 1
            except ModelNotFound as fault:
                call = self._with_successor(call, fault)
            except AgentNotReady as fault:
                if fault.cost_usd or fault.tokens:
                    self._record_retry(call, fault, waits, 0.0)
                raise RunMustPause(fault.kind, fault.message, advice=fault.advice) from fault
            except ConfigError as fault:
                raise RunMustPause("settings", fault.message, advice=fault.advice) from fault
            else:
                self._record(call, reply)
                return

    def _record_interruption(self, call: AgentCall, cut: AgentInterrupted) -> None:
        """What was bought is counted, whatever became of it."""
        message = "interrupted; the cost is that of what was heard, at list price"
        self._log.append(
            e.AgentRetried(
                key=call.key,
                attempt=0,
                kind="interrupted",
                message=message,
                wait_s=0.0,
                cost_usd=cut.cost_usd,
                tokens=cut.tokens,
            )
        )

    async def _wait(self, call: AgentCall, fault: AgentUnavailable, waits: int) -> None:
        wait_s = None
        if fault.kind != "budget":
            wait_s = retry_wait_s(self._log.state, fault.kind, waits, fault.retry_after_s)
        self._record_retry(call, fault, waits, wait_s or 0.0)
        if fault.kind == "budget":
            raise RunMustPause("budget", fault.message) from fault
        if wait_s is None:
            raise RunMustPause(
                "rate_limit" if fault.kind in ("rate_limit", "overloaded") else "network",
                f"{fault.message} ({waits + 1} times; maker waits {LONGEST_WAIT_S:.0f} s at most, "
                "and for a usage limit as long as --wait says)",
            ) from fault
        await rest(self._clock, wait_s, unless=self.pausing)
        self._check_pause()

    def _record_retry(
        self, call: AgentCall, fault: AgentUnavailable | AgentNotReady, waits: int, wait_s: float
    ) -> None:
        retried = e.AgentRetried(
            key=call.key,
            attempt=waits,
            kind=fault.kind,
            message=fault.message,
            wait_s=wait_s,
            cost_usd=fault.cost_usd,
            tokens=fault.tokens,
        )
        self._log.append(retried)

    def _with_successor(self, call: AgentCall, fault: ModelNotFound) -> AgentCall:
        """A default model that has been retired is replaced once, before any sample was taken."""
        successor = SUCCESSORS.get(fault.model)
        if call.role != "plan" or successor is None:
            raise RunMustPause("model", fault.message, advice=fault.advice) from fault
        fell = e.ModelFellBack(model=fault.model, successor=successor, detail=fault.message)
        self._log.append(fell)
        return msgspec.structs.replace(call, model=successor)

    def _record(self, call: AgentCall, reply: AgentReply | str) -> None:
        reply = bounded(AgentReply(text=reply) if isinstance(reply, str) else reply)
        digest, prompt = kept_prompt(call)
        event = e.AgentReplied(
            key=call.key,
            request=request_hash(call, self._log.state.rules),
            prompt=digest,
            reply=reply,
        )
        self._log.append(event, {digest: prompt})


def _with_less(call: AgentCall, cost_usd: float) -> AgentCall:
    """The call, its share of the cap less what was bought with it already."""
    if call.budget_usd is None or not cost_usd:
        return call
    return msgspec.structs.replace(call, budget_usd=call.budget_usd - cost_usd)
