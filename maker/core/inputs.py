"""What earlier steps left for a step: the values of its input variables and of its list. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from maker.core.models import INPUTS, PlanStep
from maker.core.paths import look_up
from maker.core.state import RunState
from maker.core.text import one_line

_OUTPUT_OF = re.compile(r"step_(\d+)_output")
LONGEST_LABEL = 80


def source_of(path: str) -> int | None:
    """The step whose output the dotted path leads into."""
    output = _OUTPUT_OF.fullmatch(path.partition(".")[0])
    return int(output[1]) if output else None


def variable(state: RunState, path: str) -> Any:
    """The value of an input variable such as `step_0_output.files`; None if it was skipped."""
    head, _, rest = path.partition(".")
    if head == INPUTS:
        return look_up(state.task.inputs, rest)
    step = source_of(path)
    return (
        None if step is None else look_up(state.execution.outputs.get(step), path.partition(".")[2])
    )


def for_each_list(state: RunState, step: PlanStep) -> list[Any] | str:
    """The items of a `for_each` step, or why there are none; a skipped step gives no items."""
    items = variable(state, step.for_each or "")
    if items is None:
        return []
    return items if isinstance(items, list) else f"{step.for_each} is not a list"


def item_label(item: Any) -> str:
    """The item in a few words, for people."""
    text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return one_line(text, LONGEST_LABEL)
