"""What the tests through the real SDK and its real CLI share: a server, a runner, a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loopback import Answer, LoopbackApi, Request
from maker.agents.runner import AgentRunner
from maker.core.models import AgentCall, CallKey


class Live:
    """Starts scripted servers, and runners whose CLI talks to them and to nobody else."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.cwd = folder / "work"
        self.cwd.mkdir()
        self._stack = stack

    def api(self, script: Callable[[Request], Answer]) -> LoopbackApi:
        return self._stack.enter_context(LoopbackApi(script))

    def runner(self, api: LoopbackApi, /, environ: Any = None, **options: Any) -> AgentRunner:
        variables = api.environ(self.folder / "config", **(environ or {}))
        return AgentRunner(environ=variables, **options)

    def call(self, prompt: str = "What is 2 + 2?", **changes: Any) -> AgentCall:
        base = AgentCall(
            key=CallKey("step/0.0/0/0"),
            role="step",
            system_prompt="You are terse.",
            prompt=prompt,
            model="claude-sonnet-4-5",
            prompt_version="1",
            cwd=str(self.cwd),
            timeout_s=60.0,
        )
        return msgspec.structs.replace(base, **changes)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with ExitStack() as stack:
        yield Live(tmp_path, stack)
