"""Tells somebody who is not looking what became of a run: one JSON line for a command of theirs.

The command's failure never touches the run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from maker.cli.documents import SCHEMA_VERSION
from maker.core import events as e
from maker.core.models import RunId
from maker.core.state import RunState
from maker.core.text import one_line
from maker.workspace.commands import end_group, started

LONGEST_S = 30.0
"""How long a command may take; the run's end does not wait longer for it either."""
WORTH_TELLING_S = 60.0
"""Shorter waits are over before anybody has read of them."""
_NEEDS = {
    "approval": "needs_approval",
    "question": "needs_answer",
    "undecided": "needs_answer",
    "ambiguous": "needs_answer",
}


class Notifier:
    """Runs a command for what is worth telling of one run; without a command it does nothing."""

    def __init__(self, command: str, say: Callable[[str], None]) -> None:
        self._command, self._say = command, say
        self._running = set[asyncio.Task[None]]()

    def tell(self, run: RunId, event: e.Event, state: RunState) -> None:
        """Start the command, if there is one and the event is worth it."""
        news = news_of(event)
        if not self._command or news is None:
            return
        kind, reason = news
        document = {
            "schema_version": SCHEMA_VERSION,
            "run": run,
            "news": kind,
            "reason": reason,
            "instruction": one_line(state.settings.instruction, 200),
            "cost_usd": state.totals.cost_usd,
            "at": event.timestamp,
        }
        self._running.add(asyncio.create_task(self._run(document)))

    async def finish(self) -> None:
        """Wait for the commands that have been started."""
        if self._running:
            await asyncio.wait(self._running)

    async def _run(self, document: dict[str, Any]) -> None:
        try:
            ended = await _fed(self._command, json.dumps(document).encode() + b"\n")
        except OSError as error:
            self._say(f"the command of --notify could not be run: {error}")
        else:
            if ended:
                self._say(f"the command of --notify {ended}")


def news_of(event: e.Event) -> tuple[str, str] | None:
    """What the event means to somebody who is not looking, and why; None where it is nothing."""
    match event:
        case e.RunPaused(reason=reason, detail=detail):
            return _NEEDS.get(reason, "paused"), detail or reason
        case e.AgentRetried(wait_s=wait_s, message=message) if wait_s >= WORTH_TELLING_S:
            return "waiting", message
        case e.TaskCompleted(census=census):
            return "completed", census.words if census else ""
        case e.TaskFailed(error=error):
            return "failed", error
        case e.RunCancelled(detail=detail):
            return "cancelled", detail
        case _:
            return None


async def _fed(command: str, line: bytes) -> str:
    """How the command ended that was given the line; empty where it went well."""
    process = await started(command, output=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(LONGEST_S):
            await process.communicate(line)
    except TimeoutError:
        return f"took longer than {LONGEST_S:g} s"
    finally:
        if process.returncode is None:
            end_group(process.pid)
            await process.wait()
    return f"exited with {process.returncode}" if process.returncode else ""
