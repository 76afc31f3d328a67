"""How a call ends when it is stopped: what has been answered is paid for, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
from sdk_messages import billed, result, said, used

from maker.agents.runner import AgentRunner
from maker.core.interruption import AgentInterrupted
from maker.core.models import AgentCall, AgentReply, CallKey
from maker.errors import AgentUnavailable

ANSWER = {"total_cost_usd": 0.25, "usage": {"output_tokens": 5}}
CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="",
    prompt="",
    model="claude-sonnet-4-5",
    prompt_version="1",
)


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
    kept = await cancelled(LingeringCli(result(**ANSWER)), times)
    assert (kept.text, kept.cost_usd, kept.error) == ("4", 0.25, None)


async def test_a_call_that_is_cancelled_before_its_answer_is_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        await cancelled(LingeringCli())


async def test_a_fault_that_was_heard_before_the_cancel_is_not_waited_out() -> None:
    fault = result(is_error=True, api_error_status=529, terminal_reason="api_error")
    with pytest.raises(asyncio.CancelledError):
        await cancelled(LingeringCli(fault))


async def test_a_call_that_is_cancelled_before_its_answer_says_what_it_had_bought() -> None:
    with pytest.raises(AgentInterrupted) as caught:
        await cancelled(LingeringCli(billed(used("Read"), "m1", input_tokens=1_000_000)))
    assert caught.value.cost_usd == pytest.approx(3.0, abs=0.001)
    assert caught.value.tokens == pytest.approx(1_000_000, abs=10)


async def test_a_deadline_says_what_was_bought_before_it() -> None:
    hurried = msgspec.structs.replace(CALL, timeout_s=0.05)
    late = await LingeringCli(billed(said("Well"), "m1", input_tokens=1_000_000)).ask(hurried)
    assert late.error is not None
    assert (late.error.kind, late.estimated) == ("timeout", True)
    assert late.cost_usd == pytest.approx(3.0, abs=0.001)


@pytest.mark.parametrize("answer", [{}, {"is_error": True, "api_error_status": 400}])
async def test_a_cli_that_does_not_end_after_its_result_is_given_seconds_not_the_deadline(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    monkeypatch.setattr("maker.agents.runner.LINGER_S", 0.05)
    patient = msgspec.structs.replace(CALL, timeout_s=600.0)
    async with asyncio.timeout(20):
        reply = await LingeringCli(result(**ANSWER, **answer)).ask(patient)
    assert reply.cost_usd == 0.25
    assert (reply.error.kind if reply.error else "") == ("bad_request" if answer else "")


async def test_what_is_bought_while_the_cli_lingers_counts_too() -> None:
    late = billed(said("More"), "m2", input_tokens=1_000_000)
    kept = await cancelled(LingeringCli(result(**ANSWER), late))
    assert kept.cost_usd == pytest.approx(3.25, abs=0.001)


@pytest.mark.parametrize("share", [0.0, -0.5])
async def test_a_call_without_a_share_of_the_cap_is_not_begun(share: float) -> None:
    agent = LingeringCli()
    with pytest.raises(AgentUnavailable, match="--max-cost-usd") as caught:
        await agent.ask(msgspec.structs.replace(CALL, budget_usd=share))
    assert caught.value.kind == "budget"
    assert not agent.lingers.is_set()


async def test_an_answer_in_time_counts_though_its_process_lingers_over_the_deadline() -> None:
    hurried = msgspec.structs.replace(CALL, timeout_s=0.05)
    kept = await LingeringCli(result(**ANSWER)).ask(hurried)
    assert (kept.text, kept.error) == ("4", None)
    late = await LingeringCli().ask(hurried)
    assert late.error is not None
    assert late.error.kind == "timeout"
