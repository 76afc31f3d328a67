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
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from maker.agents import processes
from maker.agents.ends import LINGER_S, end_left, finished
from maker.agents.folders import Fence
from maker.agents.heard import Heard, listen
from maker.agents.offers import (
    Offer,
    missing,
    not_ready,
    silence,
    unnamed,
)
from maker.agents.once import Once
from maker.agents.options import sdk_options, server_stderr, working_folder
from maker.agents.outcomes import (
    error_kind,
    outcome,
    over_budget,
    reply,
)
from maker.agents.questions import Interview, WorkingTime
from maker.agents.web import WebGate
from maker.core.effects import is_mcp
from maker.core.interruption import AgentInterrupted
from maker.core.models import AgentCall, AgentReply
from maker.core.permissions import offered, reachable_servers
from maker.core.seams import Answer
from maker.errors import AgentUnavailable

STDERR_LINES = 50
Options = dict[str, Any]

# What the SDK logs is raised too, and would be printed between maker's own lines.
logging.getLogger("claude_agent_sdk").addHandler(logging.NullHandler())


class _Talk(Struct):
    """One CLI process from its start to its end, and what was heard of it."""

    call: AgentCall
    worked: WorkingTime
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    heard: Heard = field(default_factory=Heard)
    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=STDERR_LINES))
    last_lines: dict[str, list[str]] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    in_time: bool = True
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self.heard.keeps_urls = "url" in self.call.output_schema

    @property
    def is_answered(self) -> bool:
        """Whether the answer is whole, and only the CLI's own end is missing."""
        result = self.heard.result
        return result is not None and not error_kind(self.heard, result)


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
        self._looks: dict[bytes, Once[Offer]] = {}

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        """One answer, or an error that flags it, within the call's deadline; see seams.Agent.

        The deadline does not run while the user thinks about a question of the agent. Where the
        result is there already, being cancelled does not lose it: it is paid for.
        """
        if call.budget_usd is not None and call.budget_usd <= 0:  # the CLI would not start
            raise AgentUnavailable("budget", over_budget(call))
        not_for_it = await self._unnamed_tools(call)
        talk = _Talk(call, WorkingTime(call.timeout_s))
        interview = Interview(call.key, answer, talk.worked) if call.may_ask and answer else None
        environ = {**os.environ, **self._environ}
        before_tool = Fence(call, working_folder(call), environ).hooks()
        before_tool += [*WebGate(call).hooks(), *(interview.hooks() if interview else [])]
        more = interview.options(offered(call)) if interview else {}
        hooks = {"PreToolUse": before_tool}
        await self._hold(talk, more | {"hooks": hooks, "disallowed_tools": not_for_it})
        if interview and interview.failure:
            raise interview.failure
        return self._read(talk)

    async def _unnamed_tools(self, call: AgentCall) -> list[str]:
        """What the call's MCP servers offer beside what it names; they are looked at only once."""
        names = reachable_servers(call)
        if not names:
            return []
        servers = {name: call.mcp_servers.get(name) for name in names}
        key = msgspec.json.encode(servers, order="deterministic")
        look = self._looks.setdefault(key, Once())
        return unnamed(call, await look.get(lambda: self._look(call)))

    async def _look(self, call: AgentCall) -> Offer:
        """What the servers offer, from a CLI whose prompt is blocked: nothing is bought."""
        tools = [*filter(is_mcp, call.tools)]
        call = msgspec.structs.replace(call, tools=tools, may_ask=False)
        talk = _Talk(call, WorkingTime(call.timeout_s))
        await self._hold(talk, {"hooks": {"UserPromptSubmit": [{"hooks": [_block]}]}})
        found = self._read(talk)
        offer = talk.heard.offer or silence(call, found.error.message if found.error else "")
        refused = not_ready(call, offer, talk.last_lines)
        if refused is not None:
            raise refused
        return offer

    async def _hold(self, talk: _Talk, more: Options) -> None:
        """Start the CLI and hear it out, or stop it at its deadline; nothing of it stays behind."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maker-call-")))
            options = self._options(talk, folder)
            options |= more | {"tools": [*options["tools"], *more.get("tools", [])]}
            await self._starts.acquire()
            permit = stack.enter_context(ExitStack())
            permit.callback(self._starts.release)
            task = asyncio.create_task(self._listen(talk, options, permit))
            try:
                ended = await finished(task, talk.worked, talk.mark, lambda: talk.is_answered)
            except asyncio.CancelledError:
                raise _interrupted(talk) from None
            talk.left = await end_left(talk.mark)
            servers = reachable_servers(talk.call)
            talk.last_lines = {name: server_stderr(folder, name) for name in servers}
        talk.in_time = ended or talk.heard.result is not None
        talk.failure = asyncio.CancelledError() if task.cancelled() else task.exception()

    def _options(self, talk: _Talk, folder: Path) -> Options:
        options = sdk_options(
            talk.call,
            live_servers=self._live_servers,
            environ=self._environ,
            spill=folder,
        )
        options["env"] |= processes.mark(talk.mark, talk.call.session)
        cli = processes.tied_cli(folder)
        return {**options, "cli_path": cli, "stderr": talk.stderr.append}

    async def _listen(self, talk: _Talk, options: Options, permit: ExitStack) -> None:
        """Hear the call out: the stream is never left early, or its process would linger."""
        heard = talk.heard
        async with aclosing(self._sdk_query(talk.call.prompt, **options)) as messages:
            async for message in messages:
                permit.close()  # it has started, so another may
                is_first = heard.offer is None
                listen(heard, message)
                if is_first and heard.offer and missing(talk.call, heard.offer):
                    processes.terminate(talk.mark)  # the answer would be one without its tools
                if heard.result is not None:
                    talk.worked.end_within(LINGER_S)

    def _read(self, talk: _Talk) -> AgentReply:
        """The reply to a call that has ended by itself, or else was stopped at its deadline."""
        call, heard, elapsed_ms = talk.call, talk.heard, talk.worked.elapsed_ms
        refused = not_ready(call, heard.offer, talk.last_lines)
        if refused is not None:
            refused.cost_usd = heard.bought.cost_usd(call.model) or 0.0
            refused.tokens = heard.bought.tokens
            raise refused
        if not talk.in_time:
            message = f"no answer within {call.timeout_s:g} seconds"
            found = reply(call, heard, elapsed_ms, "timeout", message)
        else:
            found = outcome(
                call,
                heard,
                talk.failure,
                now=self._now(),
                elapsed_ms=elapsed_ms,
                stderr=list(talk.stderr),
            )
        duration_ms = talk.worked.without_pauses(found.duration_ms)
        return msgspec.structs.replace(found, duration_ms=duration_ms, left_running=talk.left)

    async def _sdk_query(self, prompt: str, **options: Any) -> AsyncGenerator[Any, None]:
        from claude_agent_sdk import ClaudeAgentOptions, HookMatcher, query

        hooks: Any = {
            event: [HookMatcher(**{"on_failure": "block", **matcher}) for matcher in matchers]
            for event, matchers in options.pop("hooks", {}).items()
            if matchers
        }
        told = ClaudeAgentOptions(**options, hooks=hooks)
        async for message in query(prompt=prompt, options=told):
            yield message


async def _block(event: Any, tool_use_id: str | None, context: Any) -> Any:
    return {"decision": "block", "reason": "nothing is asked"}


def _interrupted(talk: _Talk) -> asyncio.CancelledError:
    """What a cancelled call raises: with the price of what it had bought, where there is one."""
    cost_usd = talk.heard.bought.cost_usd(talk.call.model)
    if cost_usd is None:
        return asyncio.CancelledError()
    return AgentInterrupted(cost_usd, talk.heard.bought.tokens)
