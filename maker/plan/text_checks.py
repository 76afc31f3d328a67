"""Checks of what the texts of a step say: nothing that its agent cannot see, use or choose."""

from __future__ import annotations

import re
from collections.abc import Iterator

from maker.core.models import PlanStep
from maker.plan.findings import Finding, found
from maker.plan.plan_view import PlanView, is_conditional

_ELSEWHERE = re.compile(
    r"\b(?:the )?(?:previous|prior|preceding|earlier|next|following) steps?\b"
    r"|\b(?:see|as|described|listed|mentioned) above\b"
    r"|\bthe (?:original|user'?s?|overall) (?:instruction|request|task|question)\b",
    re.IGNORECASE,
)
_STEP_NUMBER = re.compile(r"\bsteps? \d+\b", re.IGNORECASE)
_OUTPUT_NAME = re.compile(r"\bstep_(\d{1,9})_output(?:\.\w[\w.-]*\w|\.\w)?")
_ITEM_WORDS = re.compile(r"\b(?:items?|this|these|given|each)\b", re.IGNORECASE)
_NEXT_STEP = re.compile(
    r"\bnext_step`?\s*(?:is|to|as|:|=+|must be|should be)?\s*`?(-?\d{1,9})\b(?!\.\d)"
)
_LATER_STEP = re.compile(
    r"\b(?:go(?:es)?|continue|proceed|jump|lead|move|skip)s?(?: on)?(?: to| with| at)?"
    r" step `?(-?\d{1,9})\b",
    re.IGNORECASE,
)
_TOOL_WORD = r"[A-Z][A-Za-z]{2,40}"
_USES_TOOL = re.compile(
    r"\b(?P<verb>[Uu]s(?:e|es|ing)|[Vv]ia|[Cc]all(?:s|ing)?|[Ii]nvok(?:e|es|ing))"
    rf"(?: the)? `?(?P<used>{_TOOL_WORD})`?(?![\w'-])"
    rf"|\b[Tt]he `?(?P<named>{_TOOL_WORD})`? tool\b"
)
_NOT = re.compile(r"(?:\b(?:not|never|without|avoid|instead of|rather than)|n't)\W*\w*\W*$", re.I)


def self_contained(view: PlanView) -> Iterator[Finding]:
    """A description does not point at what its agent cannot see, and says what the item is for."""
    for step in view.plan.steps:
        patterns = (_ELSEWHERE,) if is_conditional(step) else (_ELSEWHERE, _STEP_NUMBER)
        matches = (pattern.search(step.task_description) for pattern in patterns)
        pointer = next((match.group() for match in matches if match), "")
        if pointer:
            yield found(step, f"its agent cannot see {pointer!r}", field="task_description")
        if name := _missing_input(step):
            message = f"its text names {name}, which is none of its input_variables"
            yield found(step, message, field="input_variables")
        takes_item = any(name.partition(".")[0] == "item" for name in step.input_variables)
        if step.for_each and not takes_item and not _speaks_of_item(step, step.for_each):
            message = f"its text never speaks of the item, one of {step.for_each}"
            yield found(step, message, field="task_description")


def _missing_input(step: PlanStep) -> str:
    """The first output that the texts name and the step is not given, not even in part."""
    read = [*step.input_variables, step.for_each or ""]
    for match in _OUTPUT_NAME.finditer("\n".join(step.texts)):
        name = match.group()
        near = (each for each in read if f"{each}.".startswith(f"{name}."))
        whole = (each for each in read if each and f"{name}.".startswith(f"{each}."))
        if int(match[1]) != step.step and not any(near) and not any(whole):
            return name
    return ""


def _speaks_of_item(step: PlanStep, path: str) -> bool:
    text = "\n".join(step.texts).casefold()
    name = path.rpartition(".")[2].casefold()
    stem = re.sub(r"(?:ies|es|s)$", "", name.rpartition("_")[2])
    is_named = "_output" not in name and len(stem) > 2 and stem in text
    return is_named or _ITEM_WORDS.search(text) is not None


def targets_in_text(view: PlanView) -> Iterator[Finding]:
    """A decision is told of no step that it may not choose."""
    for step in filter(is_conditional, view.plan.steps):
        if isinstance(step.targets, dict):
            continue
        text, allowed = step.task_description, view.following[step.step]
        numbers = [int(match[1]) for match in _NEXT_STEP.finditer(text)]
        numbers += [int(match[1]) for match in _LATER_STEP.finditer(text)]
        for number in sorted(set(numbers) - allowed):
            message = f"its text says to go to {number}, which is none of its targets"
            yield found(step, message, field="targets")


def tools_in_text(view: PlanView) -> Iterator[Finding]:
    """Whoever is told to use a tool has it."""
    builtin = {spec.name for spec in view.tools if re.fullmatch(_TOOL_WORD, spec.name)}
    for step in view.plan.steps:
        own = {*step.primary_tools, *step.fallback_tools}
        for field in ("primary_tool", "fallback_tool"):
            if getattr(step, f"{field}_instructions").strip() and not getattr(step, f"{field}s"):
                message = f"it has {field}_instructions, and no {field}s"
                yield found(step, message, field=f"{field}_instructions")
        for tool in sorted(_used_in(step) & builtin - own):
            message = f"its text says to use {tool}, and it has no such tool"
            yield found(step, message, field="primary_tools")


def _used_in(step: PlanStep) -> set[str]:
    """The words that the texts use as tools, but for those that they warn of."""
    text = "\n".join(step.texts)
    return {
        match["used"] or match["named"]
        for match in _USES_TOOL.finditer(text)
        if not _NOT.search(text[max(0, match.start() - 40) : match.start()])
    }
