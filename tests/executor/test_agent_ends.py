"""How a call ends when it is stopped: what has been answered is paid for, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from maker.core.models import AgentCall, AgentReply, CallKey
from maker.executor.agent_runner import AgentRunner

CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="",
    prompt="",
    model="claude-sonnet-4-5",
    prompt_version="1",
)


def result(**fields: Any) -> Any:
    known = {
        "subtype": "success", "is_error": False, "duration_ms": 130, "num_turns": 1,
        "stop_reason": "end_turn", "total_cost_usd": 0.25, "usage": {"output_tokens": 5},
        "result": "4", "permission_denials": [], "errors": None, "api_error_status": None,
        "terminal_reason": "completed",
    }  # fmt: skip
    return type("ResultMessage", (SimpleNamespace,), {})(**{**known, **fields})


class LingeringCli(AgentRunner):
    """Gives its messages and then does not end by itself."""

    def __init__(self, *messages: Any) -> None:
        super().__init__()
        self._messages, self.lingers = messages, asyncio.Event()

    async def _sdk_query(self, prompt: str, **options: Any) -> AsyncGenerator[Any, None]:
        for message in self._messages:
            yield message
        self.lingers.set()
        await asyncio.Event().wait()


async def cancelled(agent: LingeringCli, times: int = 1) -> AgentReply:
    call = asyncio.create_task(agent.ask(CALL))
    await agent.lingers.wait()
    for _ in range(times):
        call.cancel()
        await asyncio.sleep(0)
    return await call


@pytest.mark.parametrize("times", [1, 2])
async def test_an_answer_that_was_heard_before_the_cancel_is_kept(times: int) -> None:
    kept = await cancelled(LingeringCli(result()), times)
    assert (kept.text, kept.cost_usd, kept.error) == ("4", 0.25, None)


async def test_a_call_that_is_cancelled_before_its_answer_is_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        await cancelled(LingeringCli())


async def test_a_fault_that_was_heard_before_the_cancel_is_not_waited_out() -> None:
    fault = result(is_error=True, api_error_status=529, terminal_reason="api_error")
    with pytest.raises(asyncio.CancelledError):
        await cancelled(LingeringCli(fault))


async def test_an_answer_in_time_counts_though_its_process_lingers_over_the_deadline() -> None:
    hurried = msgspec.structs.replace(CALL, timeout_s=0.05)
    kept = await LingeringCli(result()).ask(hurried)
    assert (kept.text, kept.error) == ("4", None)
    late = await LingeringCli().ask(hurried)
    assert late.error is not None
    assert late.error.kind == "timeout"
