"""What one sample gets to see: its inputs, its tools, its prompt, and nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec

from maker.core import keys
from maker.core.branches import target_numbers
from maker.core.effects import effect_of_step, has_effects
from maker.core.inputs import source_of, variable
from maker.core.models import (
    CONDITIONAL_SCHEMA,
    CONTEXT,
    MOST_CONTEXT_CHARACTERS,
    OWN_OUTPUT_DECIDES,
    AgentCall,
    CallKey,
    Effect,
    MissingItem,
    PlanStep,
    TaskConfig,
)
from maker.core.policy import granted
from maker.core.state import Lane, RunState
from maker.core.strategies import Strategy
from maker.core.web import granted_hosts
from maker.prompts import step as step_prompt
from maker.prompts.parts import Prompts
from maker.prompts.version import PROMPT_VERSION
from maker.schema.fields import comparable_fields
from maker.schema.schema import parse_schema

MOST_INPUT_CHARACTERS = 400_000
"""About 100,000 tokens of JSON: more does not fit beside a reply in every model's window."""

_PATH = re.compile(r"(?<![\w/.])/(?:[\w.@+-]+/)*[\w.@+-]*[\w@+-]")


def effect_of(state: RunState, step: PlanStep) -> Effect:
    """The effect of a step with the tools of this run."""
    return effect_of_step(step, state.task.tools)


def schema_of(step: PlanStep) -> str:
    """The schema that a reply to the step must fit."""
    conditional = step.next_step_sequence_number == OWN_OUTPUT_DECIDES
    return CONDITIONAL_SCHEMA if conditional else step.output_schema


def compared_paths(step: PlanStep) -> tuple[str, ...]:
    """The fields of the step's output that a vote compares; none where it is all free text."""
    if step.next_step_sequence_number == OWN_OUTPUT_DECIDES:
        return ("next_step",)
    if step.vote_on:
        return tuple(step.vote_on)
    return tuple(comparable_fields(parse_schema(step.output_schema)))


def why_not_voted(step: PlanStep, effect: Effect) -> str:
    """Why the step gets one sample whatever the voting strategy; empty where it can be voted on."""
    if isinstance(step.targets, dict):
        return "not voted: the program decides it"
    if has_effects(effect):
        return f"not voted: the step has effects ({effect})"
    if not step.is_voted:
        return "not voted: the plan asks for one answer (vote_on: [])"
    if not compared_paths(step):
        return "not voted: the output has no field that can be compared"
    return ""


def targets_of(step: PlanStep, steps: int) -> list[int] | None:
    """Where a conditional step may lead; None for the others."""
    if step.next_step_sequence_number != OWN_OUTPUT_DECIDES:
        return None
    named = target_numbers(step)
    return [*range(step.step + 1, steps), -1] if named is None else named


def inputs_of(state: RunState, step: PlanStep) -> dict[str, Any]:
    """The values of the outputs that the step names, without its own item and the context."""
    return {
        path: variable(state, path)
        for path in step.input_variables
        if path.partition(".")[0] not in ("item", CONTEXT)
    }


def context_of(state: RunState, step: PlanStep) -> str:
    """The data that came with the instruction, for a step that names it."""
    return state.task.context if CONTEXT in step.input_variables else ""


def item_of(state: RunState, step: PlanStep, iteration: int) -> Any:
    """The item of one iteration of a `for_each` step; MISSING for other steps."""
    if not step.for_each:
        return step_prompt.MISSING
    items = state.execution.loop.values if state.execution.loop else []
    return items[iteration] if iteration < len(items) else None


def missing_of(state: RunState, step: PlanStep) -> list[MissingItem]:
    """The items that are missing from the step's inputs, because the work on them failed."""
    sources = {source_of(path) for path in [*step.input_variables, step.for_each or ""]}
    return [
        entry
        for outcome in state.execution.outcomes
        if outcome.step in sources
        for entry in outcome.missing
    ]


def too_large(state: RunState, step: PlanStep, iteration: int) -> str:
    """Why the inputs of the step do not fit into a prompt; empty where they do."""
    values = inputs_of(state, step)
    if step.repeat:
        values["last_output"] = state.execution.last_output
    item = item_of(state, step, iteration)
    if item is not step_prompt.MISSING:
        values["item"] = item
    sizes = {name: len(msgspec.json.encode(value)) for name, value in values.items()}
    # what was let in fits, though a redacted secret can be longer than the secret
    sizes[CONTEXT] = min(len(context_of(state, step)), MOST_CONTEXT_CHARACTERS)
    if sum(sizes.values()) <= MOST_INPUT_CHARACTERS:
        return ""
    name = max(sizes, key=lambda key: sizes[key])
    return (
        f"the inputs are {sum(sizes.values()):,} characters of JSON, more than the limit of "
        f"{MOST_INPUT_CHARACTERS:,}; the largest is {name}. Let the earlier step return less, "
        "or work on its list with for_each"
    )


@lru_cache(maxsize=8)
def literal_paths(instruction: str) -> list[str]:
    """Absolute paths that stand in the instruction: the user named them, so they may be read."""
    return sorted({found.group().rstrip(".") for found in _PATH.finditer(instruction)} - {"/"})


def call_for(state: RunState, key: CallKey) -> AgentCall:
    """The call that this key stands for in this state."""
    place = keys.sample_place(key)
    assert place is not None, f"{key} is not the key of a sample"
    step, lane = state.step(place.step), state.execution.lanes[place.lane]
    prompts = _prompts(state, step, lane)
    config = lane.config
    return AgentCall(
        key=key,
        role="step",
        system_prompt=prompts.system,
        prompt=prompts.user,
        model=step.model or config.model,
        prompt_version=PROMPT_VERSION,
        effort=config.effort,
        thinking=config.thinking,
        tools=[*step.primary_tools, *step.fallback_tools],
        mcp_servers=config.mcp_servers,
        effect=lane.effect,
        grants=granted(state, config),
        output_schema=schema_of(step),
        targets=_targets(state, step),
        literal_paths=literal_paths(config.instruction),
        cwd=config.cwd,
        add_dirs=config.add_dirs,
        timeout_s=config.call_timeout_s,
        max_turns=config.max_turns,
    )


def thinking_call(
    config: TaskConfig,
    key: CallKey,
    role: Literal["plan", "check"],
    prompts: Prompts,
    *,
    may_ask: bool = False,
    tools: Sequence[str] = (),
) -> AgentCall:
    """A call by the planner's model, with tools that only look: to plan, or to judge a plan."""
    return AgentCall(
        key=key,
        role=role,
        system_prompt=prompts.system,
        prompt=prompts.user,
        model=config.planner_model or config.model,
        prompt_version=PROMPT_VERSION,
        effort=config.effort,
        thinking=config.thinking,
        tools=[*tools],
        effect="read" if tools else "pure",
        literal_paths=literal_paths(config.instruction) if tools else [],
        cwd=config.cwd,
        add_dirs=config.add_dirs if tools else [],
        timeout_s=config.call_timeout_s,
        max_turns=config.max_turns,
        may_ask=may_ask,
    )


def _targets(state: RunState, step: PlanStep) -> list[int] | None:
    return targets_of(step, len(state.plan.steps) if state.plan else 0)


def _prompts(state: RunState, step: PlanStep, lane: Lane) -> Prompts:
    grants = granted(state, lane.config)
    return step_prompt.step_prompts(
        step=msgspec.structs.replace(step, output_schema=schema_of(step)),
        inputs=inputs_of(state, step),
        context=context_of(state, step),
        tools=state.task.tools,
        cwd=lane.config.cwd,
        missing=missing_of(state, step),
        item=item_of(state, step, lane.iteration),
        iteration=lane.iteration,
        last_output=state.execution.last_output if step.repeat else None,
        earlier_failures=lane.failures,
        effect=lane.effect,
        literal_paths=literal_paths(state.settings.instruction),
        hosts=None if "web" in grants else granted_hosts(grants),
        add_dirs=lane.config.add_dirs,
        targets=_targets(state, step),
        voted=lane.strategy != "none",
        max_turns=lane.config.max_turns,
    )


def strategy_config(config: TaskConfig, step: PlanStep, effect: Effect) -> tuple[Strategy, str]:
    """The voting strategy of one step, and a note where it is not the one that was asked for."""
    if config.voting_strategy == "none":
        return "none", ""
    note = why_not_voted(step, effect)
    return ("none", note) if note else (config.voting_strategy, "")
