"""What an agent asks the user while it works, and the clock that stands still meanwhile.

Measured: in the mode `dontAsk` the CLI offers AskUserQuestion only where permission prompts go
over stdio, and denies it even so unless a hook before the tool allows it with the answers in its
input. The permission callback is never reached, so everything else stays closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from maker.agents.values import string
from maker.core.models import CallKey
from maker.core.seams import Answer

TOOL = "AskUserQuestion"
LONGEST_THOUGHT_S = 7 * 86_400.0
"""The CLI needs some limit; a user who takes longer is not asked any more."""


class WorkingTime:
    """The time that a call takes, and the deadline for what of it was not paused.

    `agent_waits` is true while an answer is due that has not come, or never will.
    """

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._began, self._paused_s = self._loop.time(), 0.0
        self.deadline = asyncio.timeout(timeout_s)
        self.agent_waits = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock. Not to be nested."""
        began, due = self._loop.time(), self.deadline.when()
        self._move_deadline(None)
        self.agent_waits = True
        try:
            yield
            self.agent_waits = False
        finally:
            paused_s = self._loop.time() - began
            self._paused_s += paused_s
            self._move_deadline(None if due is None else due + paused_s)

    def end(self) -> None:
        """Let the deadline be now."""
        self._move_deadline(self._loop.time())

    def end_within(self, seconds: float) -> None:
        """Let the deadline be no later than this from now."""
        due, latest = self.deadline.when(), self._loop.time() + seconds
        if due is None or latest < due:
            self._move_deadline(latest)

    @property
    def elapsed_ms(self) -> int:
        """The whole time so far."""
        return int((self._loop.time() - self._began) * 1000)

    def without_pauses(self, duration_ms: int) -> int:
        """The part of the whole duration that was working time."""
        return max(0, duration_ms - int(self._paused_s * 1000))

    def _move_deadline(self, when: float | None) -> None:
        with suppress(RuntimeError):  # the call is over meanwhile
            self.deadline.reschedule(when)


class Interview:
    """The questions of one call, passed on one after the other; a failure to do so ends it."""

    def __init__(self, key: CallKey, answer: Answer, time: WorkingTime) -> None:
        self._key, self._answer, self._time = key, answer, time
        self._one_at_a_time = asyncio.Lock()
        self.failure: Exception | None = None

    def options(self, tools: Sequence[str]) -> dict[str, Any]:
        """What the SDK is told so that the agent may ask, beside the hook and its other tools."""
        return {"tools": [*tools, TOOL], "permission_prompt_tool_name": "stdio"}

    def hooks(self) -> list[dict[str, Any]]:
        """What the SDK is told to call before a question."""
        return [{"matcher": TOOL, "hooks": [self.before_tool], "timeout": LONGEST_THOUGHT_S}]

    async def before_tool(self, event: Any, tool_use_id: str | None, context: Any) -> Any:
        """The CLI's hook before AskUserQuestion: allows it, with the answers in its input."""
        asked = event.get("tool_input")
        answers: dict[str, str] = {}
        try:
            async with self._one_at_a_time:
                for question, options in questions(asked):
                    with self._time.paused():
                        answers[question] = await self._answer(self._key, question, options)
        except Exception as error:
            self.failure = error
            self._time.end()
            await asyncio.Event().wait()  # until it is stopped: the model must not go on
        decision = {
            "hookEventName": "PreToolUse",
            "permissionDecision": "allow",
            "updatedInput": {**asked, "answers": answers} if answers else asked,
        }
        return {"hookSpecificOutput": decision}


def questions(asked: Any) -> list[tuple[str, list[str]]]:
    """The questions in the tool's input with the labels of their options; all else is left out."""
    entries = asked.get("questions") if isinstance(asked, dict) else None
    labelled = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and string(entry.get("question")).strip():
            options = entry.get("options")
            listed = options if isinstance(options, list) else []
            labels = [string(option.get("label")) for option in listed if isinstance(option, dict)]
            labelled.append((entry["question"], [label for label in labels if label.strip()]))
    return labelled
