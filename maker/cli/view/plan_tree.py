"""A plan as people want to see it before it runs: tools, effects, votes, rough cost. Pure.

Of a step with effects the whole text that its agent is told is shown, too: what somebody agrees
to is not a title.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from maker.cli.view.folding import QUOTE, WIDTH, lines_of
from maker.cli.view.render import count, money
from maker.core.effects import STRENGTH, effect_of_step
from maker.core.kinds import kind_of
from maker.core.models import (
    CONTEXT,
    OWN_OUTPUT_DECIDES,
    PIPELINE_END,
    Effect,
    Plan,
    PlanStep,
    TaskConfig,
    ToolSpec,
)
from maker.core.strategies import Strategy, named
from maker.core.text import one_line
from maker.plan import costs
from maker.plan.plan_view import told_characters
from maker.steps.context import (
    compared_paths,
    schema_of,
    strategy_config,
    targets_of,
    why_not_voted,
)

MOST_LINES = 12
"""So many lines of a text stand on the screen where the rest can be asked for."""
MOST_TITLE_CHARACTERS = 200
"""So much of a title an agent is told, too."""


class PlannedStep(NamedTuple):
    """A step with what its run depends on."""

    step: PlanStep
    effect: Effect
    strategy: Strategy
    not_voted: str
    cost: costs.CostRange


def planned_steps(
    plan: Plan, config: TaskConfig, tools: Sequence[ToolSpec], *, context: str = ""
) -> list[PlannedStep]:
    """Each step of a valid plan as it would run under this configuration, with this context."""
    views = []
    for step in plan.steps:
        effect = effect_of_step(step, tools)
        strategy, _ = strategy_config(config, step, effect)
        most_passes = 1
        if step.repeat:
            most_passes = step.repeat.max_iterations
        elif step.for_each:
            most_passes = costs.MOST_ITEMS
        load = costs.StepLoad(
            model=step.model or config.model,
            with_tools=bool(step.primary_tools or step.fallback_tools),
            strategy=named(strategy, config.voting_n, config.voting_k),
            passes=(0, 0) if isinstance(step.targets, dict) else (1, most_passes),
            told_characters=told_characters(step)
            + (len(context) if CONTEXT in step.input_variables else 0),
        )
        cost = costs.step_cost(load, config.max_voting_samples)
        views.append(PlannedStep(step, effect, strategy, why_not_voted(step, effect), cost))
    return views


def plan_cost(views: Sequence[PlannedStep], config: TaskConfig) -> str:
    """What the whole plan may cost, in words; never more than the cap."""
    if not kind_of(config.agent).is_paid:
        return f"nothing: the agent is {config.agent}"
    return _range(costs.total(view.cost for view in views), config.max_cost_usd)


def voting_outlook(
    plan: Plan, config: TaskConfig, tools: Sequence[ToolSpec], *, context: str = ""
) -> str:
    """How many steps are or could be voted on, and what voting would cost more."""
    views = planned_steps(plan, config, tools, context=context)
    votable = [view for view in views if not view.not_voted]
    of_all = f"{len(votable)} of {count(len(views), 'step')}"
    if config.voting_strategy != "none":
        return f"{of_all} voted on: {config.voting.words}"
    if not votable:
        return f"{of_all} could be voted on"
    voted = msgspec.structs.replace(config, voting_strategy="first_to_k")
    now, then = (
        costs.total(
            view.cost
            for view in planned_steps(plan, each, tools, context=context)
            if not view.not_voted
        )
        for each in (config, voted)
    )
    more = costs.CostRange(then.low_usd - now.low_usd, then.high_usd - now.high_usd)
    is_paid = kind_of(config.agent).is_paid
    price = f"more: {_range(more)}" if is_paid else f"nothing ({config.agent})"
    rule = voted.voting.words
    return f"{of_all} could be voted on: --voting first_to_k ({rule}) would cost {price}"


def tree(
    plan: Plan,
    config: TaskConfig,
    tools: Sequence[ToolSpec],
    *,
    context: str = "",
    width: int = WIDTH,
    more: str = "",
) -> str:
    """The plan as an indented tree, safe for a terminal of this width.

    `more` says what shows the whole texts; without it they are shown here, however long.
    """
    views = planned_steps(plan, config, tools, context=context)
    effects = sorted({view.effect for view in views}, key=STRENGTH.index)
    head = f"Plan: {count(len(views), 'step')}; effects: {', '.join(effects)}"
    lines = _indented("", f"{head}; cost: {plan_cost(views, config)}", width)
    lines += _indented("  ", one_line(plan.reasoning, 300), width)
    for view in views:
        last = view is views[-1]
        indent = f"{'  ' if last else '│ '}     "
        title = f"{view.step.step} {one_line(view.step.title, MOST_TITLE_CHARACTERS)}"
        first, *rest = lines_of(title, width - len(indent) - len(QUOTE))
        lines.append(f"{'└─' if last else '├─'} {first}")
        lines += [f"{indent}{QUOTE}{line}" for line in rest]
        for detail in _details(view, len(views)):
            lines += _indented(indent, detail, width)
        if STRENGTH.index(view.effect) > STRENGTH.index("read"):
            lines += [indent + line for line in _quoted(view.step, width - len(indent), more)]
    return "\n".join(lines)


def _indented(indent: str, text: str, width: int) -> list[str]:
    return [indent + line for line in lines_of(text, width - len(indent))]


def _quoted(step: PlanStep, width: int, more: str) -> list[str]:
    """What the step's agent is told, every line marked as a quotation."""
    lines: list[str] = []
    inputs = [*step.input_variables, *(["item"] if step.for_each else [])]
    for heading, text in (
        ("its agent is told", step.task_description),
        ("and is given", ", ".join(dict.fromkeys(inputs))),
        (f"and of {_named(step.primary_tools)}", step.primary_tool_instructions),
        (f"and of {_named(step.fallback_tools)}", step.fallback_tool_instructions),
        ("and to answer in the form", schema_of(step)),
    ):
        quoted = lines_of(text, width - len(QUOTE))
        if not quoted:
            continue
        hidden = len(quoted) - MOST_LINES if more else 0
        if hidden > 1:  # one line more is as short as its notice
            quoted = quoted[:MOST_LINES]
        lines += [*lines_of(f"{heading}:", width), *(f"{QUOTE}{line}" for line in quoted)]
        if hidden > 1:
            lines += lines_of(f"... {hidden:,} more lines: {more}", width)
    return lines


def _named(tools: Sequence[str]) -> str:
    return one_line(", ".join(tools), 1_000) or "no tools"


def _details(view: PlannedStep, steps: int) -> list[str]:
    step = view.step
    tools = _named(step.primary_tools)
    fallback = f" (or {_named(step.fallback_tools)})" if step.fallback_tools else ""
    lines = [f"{view.effect}: {tools}{fallback}"]
    if step.for_each:
        assumed = f"cost: for up to {costs.MOST_ITEMS}"
        lines.append(f"for each of {one_line(step.for_each)} ({assumed})")
    if step.repeat:
        most = f"{step.repeat.max_iterations:,} times"
        lines.append(f"repeated until {one_line(step.repeat.until)}, at most {most}")
    if step.model:
        lines.append(f"model: {one_line(step.model)}")
    if view.strategy != "none":
        lines.append(f"voted on ({view.strategy}): {_compared(step)}")
    else:
        lines.append(view.not_voted or f"could be voted on: {_compared(step)}")
    following = step.next_step_sequence_number
    usual = PIPELINE_END if step.step + 1 == steps else step.step + 1
    if following == OWN_OUTPUT_DECIDES:
        lines.append(f"then: {' or '.join(map(_target, targets_of(step, steps) or []))}")
    elif following != usual:
        lines.append(f"then: {_target(following)}")
    return lines


def _compared(step: PlanStep) -> str:
    return one_line(", ".join(compared_paths(step)))


def _target(number: int) -> str:
    return "end" if number == PIPELINE_END else f"step {number}"


def _range(cost: costs.CostRange, cap_usd: float | None = None) -> str:
    rough = f"roughly {money(cost.low_usd)} to {money(cost.high_usd)} at list price"
    return f"{rough}, capped at {money(cap_usd)}" if cap_usd and cost.high_usd > cap_usd else rough
