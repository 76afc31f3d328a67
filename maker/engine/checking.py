"""Carries out the checks of answers: evidence first, which is free, then what must accept it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from maker.core.checking import FUNCTION, Check, Verdict, is_function
from maker.core.text import one_line
from maker.errors import RunMustPause
from maker.workspace.commands import environment, refused_by
from maker.workspace.evidence import refuted_by_files

Accept: TypeAlias = Callable[[Any], str | Awaitable[str | None] | None]
"""Says why an answer is not accepted; None or "" where it is."""


def function_name(function: Accept) -> str:
    """How the log names a function; one without a name of its own goes by that of its class."""
    return FUNCTION + getattr(function, "__qualname__", type(function).__qualname__)


class AnswerChecker:
    """Looks at files, runs commands, calls functions of the program that uses maker."""

    def __init__(
        self,
        environ: Mapping[str, str],
        secrets: Collection[str],
        functions: Mapping[str, Accept] | None = None,
    ) -> None:
        self._environ, self._secrets = environ, secrets
        self._functions = functions or {}

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        """What commands see of the environment."""
        return environment(self._environ, self._secrets)

    async def __call__(self, check: Check, session: str) -> Verdict:
        """What the check comes to. Raises RunMustPause where something cannot be run."""
        began = time.monotonic()
        if check.claims:
            what = check.claims, check.folders, check.named_paths
            if wrong := await asyncio.to_thread(refuted_by_files, *what):
                return Verdict(flag="evidence", problems=tuple(wrong))
        problems: list[str] = []
        for command in check.commands:
            if is_function(command):
                problems = await self._refused_by_function(command, check.output)
            else:
                problems = await refused_by(
                    command,
                    check.output,
                    cwd=check.folders[0] if check.folders else "",
                    environ=self._variables,
                    timeout_s=check.timeout_s,
                    session=session,
                )
            if problems:
                break
        return Verdict(
            flag="refused" if problems else "",
            problems=tuple(problems),
            duration_ms=round((time.monotonic() - began) * 1000),
        )

    async def _refused_by_function(self, command: str, answer: Any) -> list[str]:
        name = command.removeprefix(FUNCTION)
        function = self._functions.get(command)
        if function is None:
            raise RunMustPause(
                "settings",
                f"answers must be accepted by the function {name}, which was not given",
                advice=f"Resume with resume_task(run, accept={name}), or with --accept COMMAND.",
            )
        try:
            reason = function(answer)
            if inspect.isawaitable(reason):
                reason = await reason
        except AssertionError as error:
            reason = str(error) or "an assertion failed"
        except Exception as error:
            message = f"{name} raised {type(error).__name__}: {one_line(str(error), 200)}"
            raise RunMustPause("settings", message, advice="Mend it, then resume.") from error
        return [f"{name}: {one_line(str(reason), 1000)}"] if reason else []
