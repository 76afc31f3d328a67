"""What a call has bought is known whatever became of it, without the SDK."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdk_messages import RESULT, api_error, billed, of, result, said, tool_gave, used

from maker.agents.bought import Bought, take_in
from maker.agents.heard import Heard, listen
from maker.agents.outcomes import outcome, reply
from maker.core.models import AgentCall, AgentReply, CallKey, Usage
from maker.errors import AgentNotReady, AgentUnavailable

CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="",
    prompt="",
    model="claude-sonnet-4-5",
    prompt_version="1",
    budget_usd=0.05,
)
WRITING = msgspec.structs.replace(CALL, effect="write")
OVER_BUDGET = {
    "subtype": "error_max_budget_usd",
    "is_error": True,
    "result": None,
    "errors": ["Reached maximum budget ($0.05)"],
    "terminal_reason": "budget_exhausted",
    "total_cost_usd": 0.06,
}


def heard_of(*messages: Any) -> Heard:
    heard = Heard()
    for message in messages:
        listen(heard, message)
    return heard


def end(*messages: Any, call: AgentCall = CALL, failure: BaseException | None = None) -> AgentReply:
    return outcome(call, heard_of(*messages), failure, now=0.0, elapsed_ms=7)


def model_usage(**counts: int) -> dict[str, Any]:
    return {"claude-sonnet-4-5": {"costUSD": 1.0, **counts}}


def test_a_call_that_is_stopped_has_the_cost_of_the_messages_that_were_heard() -> None:
    turns = [
        billed(used("Read"), "m1", input_tokens=1_000_000),
        tool_gave("x"),
        billed(said("y" * 400), "m2", input_tokens=100, cache_read_input_tokens=1_000_000),
    ]
    stopped = reply(CALL, heard_of(*turns), 7, "timeout", "no answer within 7 seconds")
    assert stopped.usage == Usage(
        input_tokens=1_000_100, output_tokens=101, cache_read_tokens=1_000_000
    )
    assert stopped.estimated
    assert stopped.cost_usd == pytest.approx(3.0003 + 0.3 + 101 * 15e-6)


def test_the_blocks_of_one_message_are_billed_once() -> None:
    blocks = [
        billed(said("a" * 400), "m1", input_tokens=1_000),
        billed(of("AssistantMessage", content=[], model="m", error=None), "m1", input_tokens=1_000),
        billed(said("a" * 400), "m1", input_tokens=1_000),
    ]
    stopped = reply(CALL, heard_of(*blocks), 7, "timeout", "")
    assert stopped.usage == Usage(input_tokens=1_000, output_tokens=200)


def test_thoughts_and_what_tools_are_told_are_output_too() -> None:
    blocks = [
        of("ThinkingBlock", thinking="t" * 400),
        of("ToolUseBlock", name="Write", input={"content": "c" * 800}),
    ]
    message = of("AssistantMessage", content=blocks, model="m", error=None)
    usage = reply(CALL, heard_of(billed(message, "m1", input_tokens=1)), 7, "timeout", "").usage
    assert usage is not None
    assert usage.output_tokens >= 300


def test_a_figure_of_the_api_that_is_larger_than_the_estimate_counts() -> None:
    message = billed(said("short"), "m1", input_tokens=1, output_tokens=5_000)
    usage = reply(CALL, heard_of(message), 7, "timeout", "").usage
    assert usage == Usage(input_tokens=1, output_tokens=5_000)


def test_what_a_subagent_bought_counts_though_it_is_no_answer() -> None:
    aside = billed(said("4"), "m1", input_tokens=500)
    aside.parent_tool_use_id = "t"
    stopped = reply(CALL, heard_of(aside), 7, "timeout", "")
    assert (stopped.text, stopped.usage) == ("", Usage(input_tokens=500, output_tokens=1))


def test_a_cost_is_unknown_where_nothing_was_heard_of_it() -> None:
    stopped = reply(CALL, heard_of(), 7, "timeout", "")
    assert (stopped.cost_usd, stopped.usage, stopped.estimated) == (None, None, False)


def test_a_result_settles_what_was_estimated() -> None:
    settled = end(billed(said("4"), "m1", input_tokens=900), result())
    assert (settled.cost_usd, settled.estimated) == (0.0001, False)
    assert settled.usage == Usage(input_tokens=10, output_tokens=5, cache_read_tokens=2)


def test_after_a_background_turn_the_usage_is_that_of_all_turns() -> None:
    first = result(usage={"input_tokens": 500, "output_tokens": 50}, total_cost_usd=0.002)
    counts = model_usage(inputTokens=520, outputTokens=53, cacheReadInputTokens=7)
    last = result(
        usage={"input_tokens": 20, "output_tokens": 3}, total_cost_usd=0.003, model_usage=counts
    )
    both = end(billed(said("4"), "m1", input_tokens=500), first, said("4"), last)
    assert both.usage == Usage(input_tokens=520, output_tokens=53, cache_read_tokens=7)
    assert both.cost_usd == 0.003


def test_a_turn_after_the_result_that_has_none_of_its_own_is_added_as_an_estimate() -> None:
    late = billed(said("z" * 40), "m2", input_tokens=1_000_000)
    both = end(said("4"), result(), late)
    assert both.estimated
    assert both.cost_usd == pytest.approx(0.0001 + 3.0 + 10 * 15e-6)
    assert both.usage is not None
    assert both.usage.input_tokens == 1_000_010


def test_a_fault_that_passes_says_what_was_bought_before_it() -> None:
    counts = model_usage(inputTokens=900, outputTokens=10)
    fault = api_error("server_error", 529, total_cost_usd=0.25, usage={}, model_usage=counts)
    with pytest.raises(AgentUnavailable) as caught:
        end(billed(used("Read"), "m1", input_tokens=900), tool_gave("x"), *fault)
    assert (caught.value.cost_usd, caught.value.tokens) == (0.25, 910)


def test_a_login_that_ends_in_the_middle_says_what_was_bought_before_it() -> None:
    fault = api_error("authentication_failed", 401, total_cost_usd=0.25)
    with pytest.raises(AgentNotReady) as caught:
        end(billed(used("Read"), "m1", input_tokens=900), tool_gave("x"), *fault)
    assert (caught.value.cost_usd, caught.value.tokens) == (0.25, 17)


ProcessError = type("ProcessError", (Exception,), {})


def test_a_cli_that_crashes_says_what_was_bought_before_it() -> None:
    turn = billed(used("Read"), "m1", input_tokens=1_000_000)
    with pytest.raises(AgentUnavailable) as caught:
        end(turn, failure=ProcessError("exit code -9"))
    assert caught.value.kind == "crashed"
    assert caught.value.cost_usd == pytest.approx(3.0, abs=0.001)
    assert caught.value.tokens == pytest.approx(1_000_000, abs=10)
    crashed = end(turn, failure=ProcessError("exit code -9"), call=WRITING)
    assert crashed.estimated
    assert crashed.cost_usd == pytest.approx(3.0, abs=0.001)


def test_a_whole_answer_that_goes_over_its_share_is_an_answer() -> None:
    counts = model_usage(inputTokens=20_000, outputTokens=9)
    over = end(
        said('{"n": 4}'), result(**OVER_BUDGET, usage={"input_tokens": 0}, model_usage=counts)
    )
    assert (over.text, over.error, over.cost_usd) == ('{"n": 4}', None, 0.06)
    assert over.usage == Usage(input_tokens=20_000, output_tokens=9)


def test_a_share_that_is_used_up_without_an_answer_pauses_and_says_what_to_raise() -> None:
    over = result(**OVER_BUDGET | {"stop_reason": "tool_use"})
    with pytest.raises(AgentUnavailable, match=r"\$0\.05.*--max-cost-usd") as caught:
        end(billed(used("Read"), "m1", input_tokens=20_000), tool_gave("x"), used("Read"), over)
    assert (caught.value.kind, caught.value.cost_usd, caught.value.tokens) == ("budget", 0.06, 17)


def test_a_share_that_is_used_up_before_the_first_tool_ran_has_had_no_effect() -> None:
    over = result(**OVER_BUDGET | {"stop_reason": "tool_use"})
    with pytest.raises(AgentUnavailable):
        end(used("Write"), over, call=WRITING)


def test_a_share_that_is_used_up_after_an_effect_flags_the_sample() -> None:
    over = result(**OVER_BUDGET | {"stop_reason": "tool_use"})
    flagged = end(used("Write"), tool_gave("ok"), used("Write"), over, call=WRITING)
    assert flagged.error is not None
    assert flagged.error.kind == "interrupted"
    assert "$0.05" in flagged.error.message
    assert flagged.cost_usd == 0.06


def test_an_answer_in_pieces_does_not_become_whole_by_going_over_its_share() -> None:
    nudge = of("UserMessage", content=[of("TextBlock", text="Go on.")])
    pieces = end(said("one, t"), nudge, said("wo"), result(**OVER_BUDGET))
    assert pieces.error is not None
    assert pieces.error.kind == "in_pieces"


counts = st.integers(-5, 2**40) | st.none() | st.text(max_size=3) | st.floats() | st.booleans()
usages = st.dictionaries(st.sampled_from([*RESULT["usage"], "cache_creation_input_tokens"]), counts)


@given(st.lists(st.tuples(st.sampled_from("abc"), usages, st.booleans())))
def test_no_figure_is_negative_and_more_messages_never_cost_less(messages: list[Any]) -> None:
    bought, spent = Bought(), 0.0
    for message_id, usage, is_result in messages:
        if is_result:
            take_in(bought, result(usage=usage, total_cost_usd=spent))
        else:
            take_in(bought, billed(said("x"), message_id, **usage))
        cost_usd = bought.cost_usd(CALL.model) or 0.0
        assert cost_usd >= 0
        spent = max(spent, cost_usd)
    assert bought.tokens >= 0
