"""Asks on the terminal whether a plan may have its effects: run, edit, view or stop."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from maker.cli.interrupts import Interrupts
from maker.cli.plan_files import Examined, examine, problem_lines
from maker.cli.terminal import CaughtUp, choice, columns
from maker.cli.texts import read_text
from maker.cli.view.proposal import proposal
from maker.cli.view.viewers import Viewer
from maker.core import events as e
from maker.core.keeping import kept_steps
from maker.core.models import Problem
from maker.core.policy import missing_grants
from maker.core.state import RunState
from maker.errors import ConfigError
from maker.plan.plan_text import plan_to_yaml

ANSWERS = ("run", "edit", "view", "stop")


class TerminalConsent:
    """Shows the plan and turns the user's answer into input events; none: the run pauses."""

    def __init__(self, viewer: Viewer, interrupts: Interrupts, caught_up: CaughtUp) -> None:
        self._viewer, self._interrupts, self._caught_up = viewer, interrupts, caught_up

    async def __call__(self, state: RunState) -> Sequence[e.Event]:
        """The user's decision about the plan of this state."""
        await self._caught_up()
        with self._viewer.suspended():
            more = "v shows them all"
            while True:
                _say(f"\n{proposal(state, width=columns(), more=more)}")
                match await choice("[r]un, [e]dit, [v]iew, [s]top? ", *ANSWERS):
                    case "run":
                        return [e.PlanApproved(grants=missing_grants(state))]
                    case "edit":
                        edited = await self._edit(state)
                        if edited is not None:
                            return [edited]
                    case "view":
                        more = ""
                    case _:
                        return ()

    async def _edit(self, state: RunState) -> e.PlanCreated | None:
        """The plan as the user wants it; None where nothing was changed."""
        assert state.plan is not None, "there is no plan to edit"
        with tempfile.TemporaryDirectory(prefix="maker-plan-") as folder:
            path = Path(folder) / "plan.yaml"
            path.write_text(plan_to_yaml(state.plan), encoding="utf-8")
            while True:
                if not await self._open_editor(path):
                    return None
                text, examined = _read(state, path)
                if examined.plan == state.plan:
                    _say("The plan is as it was.")
                    return None
                if examined.plan is not None:
                    return e.PlanCreated(
                        plan=examined.plan,
                        attempt=state.planning.attempt,
                        origin="user",
                        notes=examined.notes,
                        kept=kept_steps(state, examined.plan),
                    )
                _say("\n".join(problem_lines(examined.problems, text)))
                again = await choice("[e]dit again, [d]iscard the changes? ", "edit", "discard")
                if again != "edit":
                    return None

    async def _open_editor(self, path: Path) -> bool:
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with self._interrupts.muted():
            try:
                command = (*shlex.split(editor), str(path))
                process = await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)
            except (OSError, ValueError) as error:
                _say(f"Cannot start the editor {editor!r}: {error}. Set $EDITOR.")
                return False
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                process.terminate()  # it does not outlive us
                await process.wait()
                raise
        if code:
            _say(f"The editor ended with code {code}; the plan stays as it was.")
        return code == 0


def _read(state: RunState, path: Path) -> tuple[str, Examined]:
    """The edited text and what came of it; a file that cannot be read is a problem like others."""
    try:
        text = read_text(str(path))
    except ConfigError as error:
        problem = Problem(check="file", message=error.message, fix=error.advice)
        return "", Examined(plan=None, problems=[problem], warnings=[], notes=[])
    examined = examine(
        text,
        tools=state.task.tools,
        instruction=state.settings.instruction,
        models=state.settings.step_models,
        has_context=bool(state.task.context),
        values=state.task.inputs,
    )
    return text, examined


def _say(text: str) -> None:
    click.echo(text, err=True)
