"""What programs check of an answer before it counts, and what the answer may cite. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from maker.core.checking import Check
from maker.core.effects import has_effects
from maker.core.kinds import kind_of
from maker.core.models import PIPELINE_END, Digest, PlanStep
from maker.core.paths import look_up
from maker.core.state import Lane, RunState
from maker.core.web import urls_in
from maker.prompts.step import MISSING
from maker.schema.claims import ABOUT_FILES, claims, evidence_in
from maker.schema.schema import Schema, parse_schema
from maker.steps import canonical, context


class Checks:
    """The checks of one try's answers."""

    def __init__(self, state: RunState, lane: Lane) -> None:
        self._lane, self._config = lane, lane.config
        self._step = state.step(lane.step)
        self._schema, evidence = _declared(context.schema_of(self._step))
        can_look = kind_of(self._config.agent).uses_tools
        self._of_files = can_look and bool(ABOUT_FILES & evidence)
        self.without_files = evidence & ({"count", "url"} if can_look else {"count"})
        """The kinds of evidence that need no look at a file. Whoever has no tools cites no page."""
        self.urls = (
            _urls_given(state, self._step, lane) if "url" in self.without_files else frozenset()
        )
        self._folders = tuple(filter(None, [self._config.cwd, *self._config.add_dirs]))
        self._named = tuple(context.literal_paths(self._config.instruction))
        self.are_needed = self._of_files or bool(self._config.accept or self._step.accept)

    def of(self, output: Any) -> Check | None:
        """What is to be checked of this output; None where nothing is."""
        step, config = self._step, self._config
        # The step's own commands, and those of the run where it acts or ends. The passes of a
        # repeated step before its last one are not what the run is asked for.
        is_judged = has_effects(self._lane.effect) or step.next_step_sequence_number == PIPELINE_END
        is_last = step.repeat is None or look_up(output, step.repeat.until) is True
        of_run = config.accept if is_judged and is_last else []
        commands = tuple(dict.fromkeys([*step.accept, *of_run]))
        named = claims(self._schema, output) if self._of_files and self._schema else ()
        about_files = tuple(claim for claim in named if claim.evidence in ABOUT_FILES)
        if not commands and not about_files:
            return None
        return Check(
            answer=digest(output),
            output=output,
            folders=self._folders,
            named_paths=self._named,
            claims=about_files,
            commands=commands,
            timeout_s=config.call_timeout_s,
        )


@lru_cache(maxsize=256)
def _declared(schema: str) -> tuple[Schema | None, frozenset[str]]:
    """The type that the text spells, and the kinds of evidence in it."""
    declared = parse_schema(schema) if schema.strip() else None
    return declared, evidence_in(declared)


def digest(output: Any) -> Digest:
    """The identity of an answer: equal for equal values, in whatever order their keys came."""
    return Digest(hashlib.sha256(canonical.encode(output).encode()).hexdigest())


def _urls_given(state: RunState, step: PlanStep, lane: Lane) -> frozenset[str]:
    item = context.item_of(state, step, lane.iteration)
    values = [
        state.task.config.instruction,
        context.context_of(state, step),
        context.inputs_of(state, step),
        None if item is MISSING else item,
        state.execution.last_output if step.repeat else None,
    ]
    return frozenset().union(*(urls_in(text) for text in _texts(values)))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
