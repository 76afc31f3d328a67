"""The validator: every deterministic check at once, then, if asked for, one judging call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.loop import carry_out
from maker.core.models import AgentCall, CallKey, Plan, Problem
from maker.core.moves import Ask, Emit, Move
from maker.core.seams import Agent
from maker.core.state import RunState
from maker.engine.asking import Asker
from maker.engine.log import EventLog
from maker.plan.checks import Checked, check_plan
from maker.prompts.quality import quality_prompts, read_quality
from maker.steps.context import thinking_call

JUDGINGS = 2
"""How often the judge is asked before an unreadable judgement is passed over with a warning."""
_QUALITIES = 6


def moves(state: RunState) -> Iterator[Move]:
    """Judge the plan that is waiting for it; nothing once it has passed or failed."""
    if state.phase != "planned" or state.plan is None:
        return
    checked = check_plan(
        state.plan,
        tools=state.task.tools,
        instruction=state.settings.instruction,
        models=state.settings.step_models,
        has_context=bool(state.task.context.strip()),
        values=state.task.inputs,
    )
    if checked.errors:
        yield Emit(_failed(state, checked.errors))
    elif state.settings.enable_quality_checks:
        yield _judged(state, checked)
    else:
        yield Emit(_passed(checked))


def _failed(state: RunState, problems: list[Problem]) -> e.ValidationFailed:
    return e.ValidationFailed(errors=msgspec.to_builtins(problems), attempt=state.planning.attempt)


def _passed(checked: Checked, more: int = 0, warning: str = "") -> e.ValidationPassed:
    warnings = [*checked.warnings]
    if warning:
        warnings.append(Problem(check="quality", message=warning))
    return e.ValidationPassed(checks_passed=checked.checks_passed + more, warnings=warnings)


def _judged(state: RunState, checked: Checked) -> Move:
    for number in range(JUDGINGS):
        key = keys.check_key(state.planning.attempt, f"quality-{number}")
        reply = state.reply(key)
        if reply is None:
            return Ask((key,))
        found = None if reply.error else read_quality(reply.text)
        if found:
            return Emit(_failed(state, found))
        if found is not None:
            return Emit(_passed(checked, more=_QUALITIES))
    return Emit(_passed(checked, warning="the judge's answer could not be read; not judged"))


def call_for(state: RunState, key: CallKey) -> AgentCall:
    """The judging call about the current plan."""
    config, plan = state.settings, state.plan
    assert isinstance(plan, Plan)
    prompts = quality_prompts(instruction=config.instruction, plan=plan)
    return thinking_call(config, key, "check", prompts)


class ValidatorModule:
    """Turns `PlanCreated` into `ValidationPassed` or `ValidationFailed`."""

    def __init__(self, log: EventLog, asker: Asker, agent: Agent) -> None:
        self._log, self._asker, self._agent = log, asker, agent

    async def process(self, event: e.Event) -> AsyncGenerator[e.Event, None]:
        """Carry out the validator's moves until there are none."""
        state = self._log.state
        ask = partial(self._asker.ask, build=partial(call_for, state), via=self._agent.ask)
        async for emitted in carry_out(partial(moves, state), ask):
            yield emitted
