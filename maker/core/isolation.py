"""Which steps work on a branch of the folder, and which of them leave no trace outside of it."""

from __future__ import annotations

from maker.core.kinds import kind_of
from maker.core.models import Effect, PlanStep, TaskConfig


def is_isolated(step: PlanStep, config: TaskConfig, effect: Effect) -> bool:
    """Whether the agents of the step work on branches; commands that accept need the folder."""
    return (
        config.isolate != "off"
        and effect == "write"
        and kind_of(config.agent).uses_tools
        and not (step.accept or config.accept)
    )


def leaves_no_trace(step: PlanStep, config: TaskConfig, effect: Effect) -> bool:
    """Whether nothing is left of an agent that was killed: what Bash does elsewhere would be."""
    tools = [*step.primary_tools, *step.fallback_tools]
    return is_isolated(step, config, effect) and "Bash" not in tools
