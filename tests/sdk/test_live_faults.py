"""Errors, deadlines, cancellation and process life, through the real SDK and the real CLI."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from loopback import Answer, Failure, Fault, Reply, Request, text, tool_results, use
from maker.agents import processes
from maker.agents.runner import AgentRunner
from maker.core.models import Usage
from maker.errors import AgentNotReady, AgentUnavailable, ConfigError, ModelNotFound

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]


def of_process(pid: int) -> list[processes.Process]:
    return [found for found in processes.marked() if found.started_by == pid]


def own_processes() -> list[processes.Process]:
    return of_process(os.getpid())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  what happens in another process has no event
            await asyncio.sleep(0.02)


FAULTS: dict[str, Answer] = {
    "rate_limit": Failure(429, "rate_limit_error", headers={"retry-after": "7"}),
    "overloaded": Failure(529, "overloaded_error"),
    "server": Failure(500),
    "network": Fault("reset"),
}


def always(answer: Answer) -> Callable[[Request], Answer]:
    return lambda request: answer


async def test_a_fault_that_passes_is_raised_after_one_request(live: Live) -> None:
    for kind, answer in FAULTS.items():
        api = live.api(always(answer))
        with pytest.raises(AgentUnavailable) as caught:
            await live.runner(api).ask(live.call())
        assert caught.value.kind == kind
        assert len(api.requests) == 1


async def test_nonsense_and_a_broken_stream_are_network_faults(live: Live) -> None:
    for fault in ("cut", "garbage", "html"):
        api = live.api(always(Fault(fault)))
        with pytest.raises(AgentUnavailable) as caught:
            await live.runner(api).ask(live.call())
        assert (caught.value.kind, len(api.requests)) == ("network", 1)


async def test_a_subscriptions_limit_says_when_it_ends(live: Live) -> None:
    headers = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(int(time.time()) + 3600),
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
    }
    api = live.api(lambda request: Failure(429, "rate_limit_error", headers=headers))
    login = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat-loopback"}
    with pytest.raises(AgentUnavailable) as caught:
        await live.runner(api, login).ask(live.call())
    assert caught.value.retry_after_s == pytest.approx(3600, abs=60)


async def test_what_the_user_must_mend_is_told_apart(live: Live) -> None:
    denied = live.api(lambda request: Failure(401, "authentication_error", "invalid x-api-key"))
    with pytest.raises(AgentNotReady) as caught:
        await live.runner(denied).ask(live.call())
    assert caught.value.kind == "login"
    poor = live.api(lambda request: Failure(400, message="Your credit balance is too low"))
    with pytest.raises(AgentNotReady) as caught:
        await live.runner(poor).ask(live.call())
    assert caught.value.kind == "billing"
    with pytest.raises(AgentNotReady, match="Not logged in") as caught:
        await live.runner(denied, {"ANTHROPIC_API_KEY": ""}).ask(live.call())
    assert caught.value.kind == "login"
    gone = live.api(lambda request: Failure(404, "not_found_error", "model: gone"))
    with pytest.raises(ModelNotFound):
        await live.runner(gone).ask(live.call())


def _asks_forever(request: Request) -> Reply:
    return Reply([use("Glob", pattern="*")])


FLAGGED: dict[str, Answer] = {
    "refusal": Reply([text("I will not")], stop_reason="refusal"),
    "max_tokens": Reply([text("one")], stop_reason="max_tokens"),
    "prompt_too_long": Failure(400, "invalid_request_error", "prompt is too long: 9 > 8"),
}


async def test_an_error_called_success_flags_the_sample_and_keeps_its_cost(live: Live) -> None:
    for kind, answer in FLAGGED.items():
        api = live.api(always(answer))
        reply = await live.runner(api).ask(live.call())
        assert reply.error is not None
        assert reply.error.kind == kind
        billed = sum(r.input_tokens + r.output_tokens for r in api.billed)
        assert reply.usage is not None
        assert reply.usage.total == billed
    reply = await live.runner(live.api(_asks_forever)).ask(
        live.call(tools=["Glob"], effect="read", max_turns=2)
    )
    assert reply.error is not None
    assert reply.error.kind == "max_turns"


async def test_an_empty_answer_is_an_answer_and_one_in_pieces_is_flagged(live: Live) -> None:
    reply = await live.runner(live.api(lambda request: Reply([]))).ask(live.call())
    assert (reply.text, reply.error) == ("", None)
    pieces = iter([Reply([text("on")], stop_reason="max_tokens"), Reply([text("e")])])
    reply = await live.runner(live.api(lambda request: next(pieces))).ask(live.call())
    assert reply.error is not None
    assert (reply.error.kind, reply.text) == ("in_pieces", "one")


async def test_a_fault_after_a_write_is_flagged_and_not_asked_again(live: Live) -> None:
    def script(request: Request) -> Answer:
        if tool_results(request):
            return Failure(529, "overloaded_error")
        return Reply([use("Write", file_path=str(live.cwd / "a"), content="x")])

    call = live.call(tools=["Write"], effect="write", grants=["write"])
    reply = await live.runner(live.api(script)).ask(call)
    assert reply.error is not None
    assert reply.error.kind == "interrupted"
    assert (live.cwd / "a").exists()


async def test_a_whole_answer_that_goes_over_its_share_is_kept_and_half_a_one_pauses(
    live: Live,
) -> None:
    (live.cwd / "n.txt").write_text("7")
    big: dict[str, Any] = {"input_tokens": 100_000}
    api = live.api(lambda request: Reply([text("It is 4")], **big))
    reply = await live.runner(api).ask(live.call(budget_usd=0.01))
    assert (reply.text, reply.error, reply.estimated) == ("It is 4", None, False)
    assert reply.cost_usd == pytest.approx(0.300075)
    assert reply.usage == Usage(input_tokens=100_000, output_tokens=5)

    reads = use("Read", file_path=str(live.cwd / "n.txt"))
    api = live.api(lambda request: "It is 7" if tool_results(request) else Reply([reads], **big))
    with pytest.raises(AgentUnavailable) as caught:
        await live.runner(api).ask(live.call(budget_usd=0.01, tools=["Read"], effect="read"))
    assert (caught.value.kind, len(api.requests)) == ("budget", 1)
    assert caught.value.cost_usd == pytest.approx(0.300075)
    assert caught.value.tokens == 100_005


async def test_a_turn_that_was_bought_before_the_deadline_is_counted(live: Live) -> None:
    def script(request: Request) -> Answer:
        if tool_results(request):
            return Fault("hang")
        return Reply([text("I look."), use("Glob", pattern="*")], input_tokens=1_000_000)

    api = live.api(script)
    reply = await live.runner(api).ask(live.call(tools=["Glob"], effect="read", timeout_s=6))
    assert reply.error is not None
    assert (reply.error.kind, reply.estimated, len(api.requests)) == ("timeout", True, 2)
    assert reply.cost_usd == pytest.approx(3.0, abs=0.001)


async def test_a_command_that_is_left_running_is_ended_and_named_and_none_runs_behind(
    live: Live,
) -> None:
    def script(request: Request) -> Answer:
        if found := tool_results(request):
            return "no" if "unexpected parameter `run_in_background`" in str(found) else str(found)
        left = "nohup sleep 4321 > /dev/null 2>&1 & setsid -f sleep 4322; echo started"
        behind = use("Bash", command="sleep 4323", run_in_background=True)
        return Reply([use("Bash", command=left), behind])

    call = live.call(tools=["Bash"], effect="write", grants=["bash"])
    reply = await live.runner(live.api(script)).ask(call)
    assert (reply.text, reply.error) == ("no", None)
    assert sorted(reply.left_running) == ["sleep 4321", "sleep 4322"]
    assert own_processes() == []


async def test_a_call_that_hangs_ends_at_its_deadline_and_leaves_no_process(live: Live) -> None:
    apis = [live.api(always(Fault(kind))) for kind in ("hang", "stall")]
    started = time.monotonic()
    calls = [live.runner(api).ask(live.call(timeout_s=4)) for api in apis]
    for reply in await asyncio.gather(*calls):
        assert reply.error is not None
        assert reply.error.kind == "timeout"
    assert time.monotonic() - started < 20
    assert own_processes() == []


@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_no_number_of_cancels_leaves_a_process(live: Live, cancels: int) -> None:
    api = live.api(lambda request: Fault("hang"))
    task = asyncio.create_task(live.runner(api).ask(live.call()))
    await until(lambda: api.requests)
    assert len(own_processes()) == 1
    started = time.monotonic()
    for _ in range(cancels):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 4
    assert own_processes() == []


async def test_a_cancel_ends_the_command_that_the_agent_runs_too(live: Live) -> None:
    running = live.cwd / "running"

    def script(request: Request) -> Reply:
        command = f"touch {running}; (sleep 300 &) ; sleep 300"
        return Reply([use("Bash", command=command)])

    call = live.call(tools=["Bash"], effect="write", grants=["bash"])
    task = asyncio.create_task(live.runner(live.api(script)).ask(call))
    await until(running.exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert own_processes() == []


async def test_a_cancelled_start_frees_its_place(live: Live) -> None:
    api = live.api(lambda request: "ok")
    runner = live.runner(api, starts_at_once=1)
    tasks = [asyncio.create_task(runner.ask(live.call())) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert own_processes() == []
    assert (await runner.ask(live.call())).text == "ok"


async def test_a_working_folder_that_is_not_there_is_named(live: Live) -> None:
    runner = live.runner(live.api(lambda request: "ok"))
    with pytest.raises(ConfigError, match="nowhere does not exist"):
        await runner.ask(live.call(cwd=str(live.cwd / "nowhere")))


class Misled(AgentRunner):
    """Tells the CLI about a file that is not there."""

    async def _sdk_query(self, prompt: str, **options: Any) -> AsyncGenerator[Any, None]:
        async for message in super()._sdk_query(prompt, **{**options, "settings": "/nowhere"}):
            yield message


async def test_a_cli_that_does_not_start_says_why(live: Live) -> None:
    with pytest.raises(AgentNotReady, match="Settings file not found: /nowhere") as caught:
        await Misled().ask(live.call())
    assert caught.value.kind == "cli"


KILLED = """
import asyncio, sys
import msgspec
from maker.core.models import AgentCall
from maker.executor.agent_runner import AgentRunner

call, environ = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[AgentCall, dict[str, str]])
asyncio.run(AgentRunner(environ=environ).ask(call))
"""


@pytest.mark.skipif(not processes.can_tie(), reason="needs setpriv")
async def test_a_killed_maker_leaves_no_process(live: Live) -> None:
    api = live.api(lambda request: Fault("hang"))
    given = msgspec.json.encode((live.call(), api.environ(live.folder / "config")))
    command = (sys.executable, "-c", KILLED)
    maker = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    assert maker.stdin is not None
    maker.stdin.write(given)
    maker.stdin.close()
    await until(lambda: api.requests)
    assert of_process(maker.pid)
    maker.kill()
    await maker.wait()
    await until(lambda: not of_process(maker.pid))
