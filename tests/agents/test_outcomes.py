"""The table of what every outcome of the SDK means, without the SDK."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdk_messages import RESULT, api_error, nudged, of, result, said, tool_gave, used

from maker.agents.heard import Heard, listen
from maker.agents.outcomes import outcome
from maker.core.models import AgentCall, AgentReply, CallKey, Usage
from maker.errors import AgentNotReady, AgentUnavailable, MakerError, ModelNotFound

CALL = AgentCall(
    key=CallKey("step/0.0/0/0"),
    role="step",
    system_prompt="",
    prompt="",
    model="claude-sonnet-4-5",
    prompt_version="1",
)


class ResultError(Exception):
    subtype: str | None = "success"
    errors: tuple[str, ...] = ()
    result: str | None = None
    api_error_status: int | None = None
    terminal_reason: str | None = None


def end(
    *messages: Any, failure: BaseException | None = None, call: AgentCall = CALL, now: float = 0.0
) -> AgentReply:
    heard = Heard()
    for message in messages:
        listen(heard, message)
    return outcome(call, heard, failure, now=now, elapsed_ms=77, stderr=["why it failed"])


def kind_of(*messages: Any, failure: BaseException | None = None) -> str:
    reply = end(*messages, failure=failure)
    return reply.error.kind if reply.error else ""


def test_an_answer_comes_with_its_cost_tokens_duration_and_model() -> None:
    assert end(said("4"), result()) == AgentReply(
        text="4",
        cost_usd=0.0001,
        usage=Usage(input_tokens=10, output_tokens=5, cache_read_tokens=2),
        duration_ms=130,
        turns=1,
        model="claude-sonnet-4-5",
        stop_reason="end_turn",
    )


def test_an_answer_in_several_blocks_is_whole_though_the_result_has_only_the_last() -> None:
    assert end(said("The answer "), said("is 4"), result(result="is 4")).text == "The answer is 4"


def test_what_was_said_before_a_tool_ran_is_not_the_answer() -> None:
    reply = end(said("I look."), used("Read"), tool_gave("x"), said("4"), result())
    assert (reply.text, reply.error) == ("4", None)


def test_an_empty_answer_is_an_answer() -> None:
    assert end(result(result="")).text == ""
    assert end(nudged(), said("4"), result()).error is None


def test_an_answer_that_the_model_was_told_to_continue_is_flagged() -> None:
    reply = end(said("one, two, thr"), nudged(), said("ee"), result(result="ee"))
    assert reply.error is not None
    assert reply.error.kind == "in_pieces"
    assert reply.text == "one, two, three"


def test_what_a_subagent_says_is_not_the_answer() -> None:
    aside = of("AssistantMessage", content=[of("TextBlock", text="4")], parent_tool_use_id="t")
    assert end(aside, said("5"), result(result="5")).text == "5"


def test_a_denied_tool_is_named_once() -> None:
    denials = [{"tool_name": "Bash"}, {"tool_name": "Bash"}, {"tool_name": "Write"}, {}, "x"]
    assert end(result(permission_denials=denials)).denied == ("Bash", "Write")


def test_what_may_not_be_read_is_told_apart_from_what_may_not_be_done() -> None:
    def denial(tool: str, **told: Any) -> dict[str, Any]:
        return {"tool_name": tool, "tool_input": told}

    reads = [denial("Read", file_path="/a"), denial("Grep", pattern="x", path="/b")]
    reads += [denial("Glob", pattern="/c/*"), denial("Read", file_path="/a")]
    found = end(said("4"), result(permission_denials=reads))
    assert (found.denied, found.denied_paths, found.denied_reads) == ((), (), ("/a", "/b", "/c/*"))
    writes = [denial("Write", file_path="/d"), denial("NotebookEdit", notebook_path="/e")]
    found = end(said("4"), result(permission_denials=[*reads[:1], *writes]))
    assert (found.denied, found.denied_reads) == (("Write", "NotebookEdit"), ("/a",))
    assert found.denied_paths == ("/d", "/e")


def test_an_agent_that_tries_a_thousand_paths_does_not_fill_the_log() -> None:
    denials = [
        {"tool_name": "Read", "tool_input": {"file_path": f"/{n}" + "x" * 10_000}}
        for n in range(1_000)
    ]
    reads = end(said("4"), result(permission_denials=denials)).denied_reads
    assert len(str(reads)) < 30_000


FLAGS = {
    "max_tokens": api_error("max_output_tokens", None),
    "refusal": api_error("invalid_request", None, stop_reason="refusal"),
    "prompt_too_long": api_error("invalid_request", 400, terminal_reason="prompt_too_long"),
    "bad_request": api_error("invalid_request", 400),
    "max_turns": [result(subtype="error_max_turns", is_error=True, terminal_reason="max_turns")],
    "format": [result(subtype="error_max_structured_output_retries", is_error=True)],
    "execution": [result(subtype="error_during_execution", is_error=True)],
}


@pytest.mark.parametrize("kind", FLAGS)
def test_an_error_that_asking_again_may_cure_flags_the_sample(kind: str) -> None:
    assert kind_of(*FLAGS[kind]) == kind


def test_more_names_of_the_same_flags() -> None:
    assert kind_of(*api_error("invalid_request", 413)) == "prompt_too_long"
    assert kind_of(*api_error("invalid_request", 413, terminal_reason="image_error")) == (
        "prompt_too_long"
    )
    assert kind_of(*api_error("unknown", 422)) == "bad_request"
    assert kind_of(said("no"), result(stop_reason="refusal")) == "refusal"
    assert kind_of(said("no"), result(stop_reason="max_tokens")) == "max_tokens"


def test_success_with_is_error_is_an_error_and_so_is_an_unknown_subtype() -> None:
    assert kind_of(result(is_error=True)) == "execution"
    assert kind_of(result(subtype="error_of_tomorrow")) == "execution"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ("rate_limit", 429, "rate_limit"),
        ("server_error", 529, "overloaded"),
        ("overloaded", None, "overloaded"),
        ("server_error", 500, "server"),
        ("server_error", 503, "server"),
        ("server_error", None, "network"),
        ("unknown", None, "network"),
        ("unknown", 408, "network"),
    ],
)
def test_a_fault_that_passes_is_no_reply(error: str, status: int | None, kind: str) -> None:
    with pytest.raises(AgentUnavailable) as caught:
        end(*api_error(error, status, total_cost_usd=0.25))
    assert caught.value.kind == kind
    assert caught.value.cost_usd == 0.25
    assert caught.value.retry_after_s is None


def limited(status: str) -> Any:
    info = SimpleNamespace(status=status, resets_at=1_000)
    return of("RateLimitEvent", rate_limit_info=info)


@pytest.mark.parametrize("status", ["allowed", "allowed_warning"])
def test_the_end_of_a_window_that_still_allows_is_no_reason_to_wait(status: str) -> None:
    for earlier in ([limited(status)], [limited("rejected"), limited(status)]):
        with pytest.raises(AgentUnavailable) as caught:
            end(*earlier, *api_error("rate_limit", 429), now=940.0)
        assert caught.value.retry_after_s is None


@pytest.mark.parametrize(("error", "status"), [("server_error", 529), ("server_error", None)])
def test_a_limit_that_was_reached_is_no_reason_to_wait_for_another_fault(
    error: str, status: int | None
) -> None:
    with pytest.raises(AgentUnavailable) as caught:
        end(limited("rejected"), *api_error(error, status), now=940.0)
    assert caught.value.retry_after_s is None


def test_a_rate_limit_says_when_it_ends_where_the_api_told() -> None:
    limit = limited("rejected")
    with pytest.raises(AgentUnavailable) as caught:
        end(limit, *api_error("rate_limit", 429), now=940.0)
    assert caught.value.retry_after_s == 60.0
    with pytest.raises(AgentUnavailable) as caught:
        end(limit, *api_error("rate_limit", 429), now=2_000.0)
    assert caught.value.retry_after_s == 0.0


@pytest.mark.parametrize("effect", ["write", "external"])
def test_a_fault_after_an_effect_is_not_asked_again_but_flagged(effect: Any) -> None:
    call = AgentCall(**{f: getattr(CALL, f) for f in CALL.__struct_fields__} | {"effect": effect})
    reply = end(used("Write"), tool_gave("ok"), *api_error("server_error", 529), call=call)
    assert reply.error is not None
    assert reply.error.kind == "interrupted"
    with pytest.raises(AgentUnavailable):
        end(*api_error("server_error", 529), call=call)
    with pytest.raises(AgentUnavailable):
        end(used("Read"), tool_gave("ok"), *api_error("server_error", 529))


def test_a_login_that_ends_after_an_effect_is_flagged_too_because_a_pause_means_no_effect() -> None:
    call = msgspec.structs.replace(CALL, effect="write")
    reply = end(used("Write"), tool_gave("ok"), *api_error("authentication_failed", 401), call=call)
    assert reply.error is not None
    assert reply.error.kind == "interrupted"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ("authentication_failed", 401, "login"),
        ("authentication_failed", 403, "login"),
        ("authentication_failed", None, "login"),
        ("unknown", 401, "login"),
        ("billing_error", 400, "billing"),
        ("unknown", 402, "billing"),
    ],
)
def test_what_the_user_must_mend_stops_with_advice(
    error: str, status: int | None, kind: str
) -> None:
    with pytest.raises(AgentNotReady) as caught:
        end(*api_error(error, status))
    assert caught.value.kind == kind
    assert caught.value.advice


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ModelNotFound) as caught:
        end(*api_error("model_not_found", 404))
    assert caught.value.model == "claude-sonnet-4-5"


def error_class(name: str, *bases: type) -> type[Exception]:
    return type(name, bases or (Exception,), {})


ProcessError = error_class("ProcessError")
CLIConnectionError = error_class("CLIConnectionError")


@pytest.mark.parametrize(
    "failure",
    [
        ProcessError("exit code 1"),
        CLIConnectionError("no"),
        error_class("CLINotFoundError", CLIConnectionError)("none"),
        Exception("Control request timeout: initialize"),
    ],
)
def test_a_cli_that_does_not_start_is_the_users_to_mend_with_its_stderr(
    failure: Exception,
) -> None:
    with pytest.raises(AgentNotReady, match="why it failed") as caught:
        end(failure=failure)
    assert caught.value.kind == "cli"


def test_a_cli_that_dies_in_the_middle_is_asked_again() -> None:
    with pytest.raises(AgentUnavailable, match="why it failed") as caught:
        end(said("4"), failure=ProcessError("exit code -9"))
    assert caught.value.kind == "crashed"


def test_output_that_is_no_message_flags_the_sample() -> None:
    for name in ("CLIJSONDecodeError", "MessageParseError"):
        assert kind_of(said("4"), failure=error_class(name)("{")) == "unreadable"


def test_the_sdks_error_after_its_result_adds_nothing() -> None:
    failed = result(subtype="error_max_turns", is_error=True)
    assert kind_of(failed, failure=ResultError("x")) == "max_turns"


def test_the_sdks_error_without_a_result_speaks_for_itself() -> None:
    error = ResultError("x")
    error.api_error_status, error.terminal_reason = 429, "api_error"
    with pytest.raises(AgentUnavailable):
        end(failure=error)


def test_a_stream_that_ends_without_a_result_is_no_answer() -> None:
    assert kind_of(said("4")) == "incomplete"


class Mock:
    """Has every attribute, each as truthy and as meaningless as itself."""

    def __getattr__(self, name: str) -> Mock:
        return Mock()


def test_a_mock_of_everything_is_read_by_its_types_alone() -> None:
    def mock(name: str, **fields: Any) -> Any:
        instance = type(name, (Mock,), {})()
        vars(instance).update(fields)
        return instance

    message = mock("AssistantMessage", content=[mock("TextBlock", text="summary: fine")])
    finish = mock("ResultMessage", total_cost_usd=0.01, duration_ms=500, subtype="success")
    assert end(message, finish) == AgentReply(text="summary: fine", cost_usd=0.01, duration_ms=500)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.fixed_dictionaries(dict.fromkeys(RESULT, anything)), anything, anything)
def test_no_result_makes_an_exception_that_is_not_makers(
    fields: dict[str, Any], texts: object, servers: object
) -> None:
    messages = [
        of("SystemMessage", subtype="init", data={"mcp_servers": servers}),
        of("AssistantMessage", content=texts, model=texts, error=servers),
        result(**fields),
    ]
    try:
        reply = end(*messages)
    except MakerError:
        return
    assert isinstance(reply.text, str)
    assert reply.cost_usd is None or reply.cost_usd >= 0
