"""The planner: asks an agent for a plan, and for a better one with all errors if it is refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.keeping import kept_steps
from maker.core.kinds import kind_of
from maker.core.loop import carry_out
from maker.core.models import AgentCall, AgentReply, CallKey, Problem, TaskConfig
from maker.core.moves import Ask, Emit, Move
from maker.core.policy import STEP_ENDS, may_plan
from maker.core.seams import Agent
from maker.core.state import RunState
from maker.engine.asking import Asker
from maker.engine.log import EventLog
from maker.plan.parser import parse_plan
from maker.prompts.planner import Finished, planner_prompts
from maker.reading.answers import load_any
from maker.steps.context import thinking_call
from maker.steps.red_flags import cannot_of


def moves(state: RunState) -> Iterator[Move]:
    """Ask for the plan of this attempt, then read it; nothing once it is read or refused."""
    if not may_plan(state):
        return
    key = keys.plan_key(state.planning.attempt)
    reply = state.reply(key)
    yield Ask((key,)) if reply is None else Emit(_read(state, reply))


def _read(state: RunState, reply: AgentReply) -> e.Event:
    if reply.error:
        kind = reply.error.kind
        problem = Problem(check="agent", message=f"{kind}: {reply.error.message}")
        return _refused(state, [problem], kind if kind in STEP_ENDS else "")
    parsed = parse_plan(reply.text, tools=state.task.tools)
    if parsed.plan is None:
        question = cannot_of(load_any(reply.text).value)
        if question:
            return e.PlannerDeclined(question=question, attempt=state.planning.attempt)
        return _refused(state, parsed.problems)
    return e.PlanCreated(
        plan=parsed.plan,
        attempt=state.planning.attempt,
        notes=parsed.notes,
        kept=kept_steps(state, parsed.plan),
    )


def _refused(state: RunState, problems: list[Problem], end: str = "") -> e.ValidationFailed:
    errors = msgspec.to_builtins(problems)
    return e.ValidationFailed(errors=errors, attempt=state.planning.attempt, end=end)


def call_for(state: RunState, key: CallKey) -> AgentCall:
    """The planner's call in this state: on a re-plan with the refused plan and every error."""
    config = state.settings
    may_ask = config.questions and not state.planning.problems
    tools = tools_to_look(config)
    prompts = planner_prompts(
        instruction=config.instruction,
        tools=state.task.tools,
        workspace=state.task.workspace,
        context=state.task.context,
        models=config.models,
        rejected=state.planning.rejected_text,
        problems=state.planning.problems,
        finished=_finished(state),
        answers=state.told,
        may_ask=may_ask,
        tools_to_look=tools,
        max_turns=config.max_turns,
    )
    return thinking_call(config, key, "plan", prompts, may_ask=may_ask, tools=tools)


def tools_to_look(config: TaskConfig) -> list[str]:
    """What the planner looks with: never what the user keeps from the steps."""
    if not kind_of(config.agent).uses_tools:
        return []
    allowed = config.allowed_builtin_tools
    tools: list[str] = [*(config.planner_tools or [])]
    return [tool for tool in tools if allowed is None or tool in allowed]


def answered(state: RunState, answer: str) -> list[e.Event]:
    """The user's answer to what the planner has asked; nothing where it says nothing."""
    key, text = keys.plan_key(state.planning.attempt), answer.strip()
    asked = state.planning.question
    return [e.QuestionAnswered(key=key, question=asked, answer=text)] if text else []


def _finished(state: RunState) -> Finished | None:
    """What an earlier plan of this run achieved before it failed, if there was one."""
    if not state.planning.failure:
        return None
    done = [outcome for outcome in state.execution.outcomes if outcome.status == "completed"]
    outputs = {f"step {o.step}: {o.title}": o.output for o in [*state.earlier, *done]}
    return Finished(outputs=outputs, failure=state.planning.failure)


class PlannerModule:
    """Turns `TaskSubmitted` into `PlanCreated`, or into `ValidationFailed` where it cannot."""

    def __init__(self, log: EventLog, asker: Asker, agent: Agent) -> None:
        self._log, self._asker, self._agent = log, asker, agent

    async def process(self, event: e.Event) -> AsyncGenerator[e.Event, None]:
        """Carry out the planner's moves until there are none."""
        async for emitted in carry_out(lambda: moves(self._log.state), self._ask):
            yield emitted

    async def _ask(self, key: CallKey) -> None:
        await self._asker.ask(key, lambda key: call_for(self._log.state, key), self._call_sdk)

    async def _call_sdk(self, call: AgentCall) -> AgentReply | str:
        return await self._agent.ask(call, self._asker.answer)
