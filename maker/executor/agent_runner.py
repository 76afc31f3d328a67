"""The live agent: one call is one fresh CLI process, through the Claude Agent SDK.

The only file that imports the SDK, and only when the first question is asked (it takes a second).
What its outcomes mean is in `agent_outcomes.py`, what it is told in `agent_options.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any

import msgspec

from maker.core.interruption import AgentInterrupted
from maker.core.models import AgentCall, AgentReply
from maker.core.seams import Answer
from maker.errors import AgentUnavailable
from maker.executor import processes
from maker.executor.agent_ends import LINGER_S, end_left, finished
from maker.executor.agent_heard import Heard, listen
from maker.executor.agent_options import sdk_options
from maker.executor.agent_outcomes import error_kind, outcome, over_budget, reply
from maker.executor.agent_questions import LONGEST_THOUGHT_S, TOOL, Interview, WorkingTime

STDERR_LINES = 50

# What the SDK logs is raised too, and would be printed between maker's own lines.
logging.getLogger("claude_agent_sdk").addHandler(logging.NullHandler())


class AgentRunner:
    """Asks Claude. `environ` is added to the CLI's environment, over that of this process."""

    def __init__(
        self,
        *,
        live_servers: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        starts_at_once: int | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._live_servers = dict(live_servers or {})
        self._environ = dict(environ or {})
        self._starts = asyncio.Semaphore(starts_at_once or os.cpu_count() or 1)
        self._now = now

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        """One answer, or an error that flags it, within the call's deadline; see seams.Agent.

        The deadline does not run while the user thinks about a question of the agent. Where the
        result is there already, being cancelled does not lose it: it is paid for.
        """
        if call.budget_usd is not None and call.budget_usd <= 0:  # the CLI would not start
            raise AgentUnavailable("budget", over_budget(call))
        stderr: deque[str] = deque(maxlen=STDERR_LINES)
        heard = Heard()
        with ExitStack() as stack:
            options = self._options(call, stack) | {"stderr": stderr.append}
            await self._starts.acquire()
            permit = stack.enter_context(ExitStack())
            permit.callback(self._starts.release)
            mark = uuid.uuid4().hex
            options["env"] |= processes.mark(mark)
            worked = WorkingTime(call.timeout_s)
            interview = Interview(call.key, answer, worked) if call.may_ask and answer else None
            options |= _asking(interview, options) if interview else {}
            task = asyncio.create_task(self._listen(call, options, heard, permit, worked, mark))
            try:
                in_time = await finished(task, worked, mark, lambda: _is_answered(heard))
            except asyncio.CancelledError:
                raise _interrupted(call, heard) from None
            left = await end_left(mark)
        if interview and interview.failure:
            raise interview.failure
        is_over = in_time or heard.result is not None
        found = self._read(call, heard, task if is_over else None, worked.elapsed_ms, stderr)
        duration_ms = worked.without_pauses(found.duration_ms)
        return msgspec.structs.replace(found, duration_ms=duration_ms, left_running=left)

    def _read(
        self,
        call: AgentCall,
        heard: Heard,
        ended: asyncio.Task[None] | None,
        elapsed_ms: int,
        stderr: Iterable[str],
    ) -> AgentReply:
        """The reply to a call that has ended by itself, or else was stopped at its deadline."""
        if ended is None:
            message = f"no answer within {call.timeout_s:g} seconds"
            return reply(call, heard, elapsed_ms, "timeout", message)
        failure = asyncio.CancelledError() if ended.cancelled() else ended.exception()
        now = self._now()
        return outcome(call, heard, failure, now=now, elapsed_ms=elapsed_ms, stderr=list(stderr))

    def _options(self, call: AgentCall, stack: ExitStack) -> dict[str, Any]:
        spill = stack.enter_context(tempfile.TemporaryDirectory(prefix="maker-call-"))
        options = sdk_options(
            call,
            live_servers=self._live_servers,
            environ=self._environ,
            spill=Path(spill),
        )
        return options | {"cli_path": processes.tied_cli(Path(spill))}

    async def _listen(
        self,
        call: AgentCall,
        options: Mapping[str, Any],
        heard: Heard,
        permit: ExitStack,
        worked: WorkingTime,
        mark: str,
    ) -> None:
        """Hear the call out: the stream is never left early, or its process would linger."""
        async with aclosing(self._sdk_query(call.prompt, **options)) as messages:
            async for message in messages:
                permit.close()  # it has started, so another may
                listen(heard, message)
                if heard.unreachable:  # the answer would be one without its tools
                    processes.terminate(mark)
                if heard.result is not None:
                    worked.end_within(LINGER_S)

    async def _sdk_query(self, prompt: str, **options: Any) -> AsyncGenerator[Any, None]:
        from claude_agent_sdk import ClaudeAgentOptions, query

        async for message in query(prompt=prompt, options=ClaudeAgentOptions(**options)):
            yield message


def _asking(interview: Interview, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that let the agent ask the user; see `agent_questions.py`."""
    from claude_agent_sdk import HookMatcher

    before = HookMatcher(matcher=TOOL, hooks=[interview.before_tool], timeout=LONGEST_THOUGHT_S)
    return {
        "tools": [*options["tools"], TOOL],
        "permission_prompt_tool_name": "stdio",
        "hooks": {"PreToolUse": [before]},
    }


def _interrupted(call: AgentCall, heard: Heard) -> asyncio.CancelledError:
    """What a cancelled call raises: with the price of what it had bought, where there is one."""
    cost_usd = heard.bought.cost_usd(call.model)
    if cost_usd is None:
        return asyncio.CancelledError()
    return AgentInterrupted(cost_usd, heard.bought.tokens)


def _is_answered(heard: Heard) -> bool:
    """Whether the answer is whole, and only the CLI's own end is missing."""
    return heard.result is not None and not error_kind(heard, heard.result)
