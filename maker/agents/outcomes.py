"""One table: what every outcome of the SDK means. Pure; what was heard is in `agent_heard.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maker.agents.heard import Heard
from maker.agents.values import count, string
from maker.core.bounds import READERS, path_of
from maker.core.effects import has_effects
from maker.core.entrance import bounded
from maker.core.models import AgentCall, AgentError, AgentReply
from maker.core.text import one_line
from maker.core.web import urls_in
from maker.errors import AgentNotReady, AgentUnavailable, ModelNotFound

RETRY = frozenset({"rate_limit", "overloaded", "server", "network", "crashed", "budget"})
FATAL = {
    "login": "Set ANTHROPIC_API_KEY, or log in with Claude Code (claude, then /login); "
    "`maker doctor` shows what is used.",
    "billing": "Add credit to the account, or use other credentials; then resume the run.",
    "cli": "`maker doctor` shows which CLI is used.",
}

_BY_END = {
    "prompt_too_long": "prompt_too_long",
    "image_error": "prompt_too_long",
    "max_turns": "max_turns",
    "budget_exhausted": "budget",
}
_BY_SUBTYPE = {
    "error_max_turns": "max_turns",
    "error_max_budget_usd": "budget",
    "error_max_structured_output_retries": "format",
    "error_during_execution": "execution",
}
_BY_API_ERROR = {
    "authentication_failed": "login",
    "billing_error": "billing",
    "rate_limit": "rate_limit",
    "overloaded": "overloaded",
    "model_not_found": "model_not_found",
    "max_output_tokens": "max_tokens",
}
_BY_STATUS = {
    400: "bad_request",
    401: "login",
    402: "billing",
    403: "login",
    404: "model_not_found",
    408: "network",
    413: "prompt_too_long",
    429: "rate_limit",
    529: "overloaded",
}
_OWN_WORDS = {
    "in_pieces": "the model was stopped and told to go on, so its answer is in pieces",
    "max_tokens": "the answer reached the model's output limit",
    "refusal": "the model refused to answer",
}
_MOST_DENIED, _LONGEST_DENIED = 50, 500
_FATAL_EXCEPTIONS = ("CLINotFoundError", "CLIConnectionError", "ProcessError")
_UNREADABLE_EXCEPTIONS = ("CLIJSONDecodeError", "MessageParseError")


def error_kind(heard: Heard, source: Any) -> str:
    """The kind of the outcome that `source` (a result or the SDK's ResultError) reports, or ""."""
    ended = string(source.terminal_reason)
    subtype = string(source.subtype)
    status = source.api_error_status if isinstance(source.api_error_status, int) else 0
    failed = getattr(source, "is_error", True) is True or subtype not in ("", "success")
    stop_reason = string(getattr(source, "stop_reason", ""))
    if stop_reason in ("refusal", "max_tokens"):
        return stop_reason
    # The response that goes over the budget may be the whole answer: it is paid for.
    is_over_budget = "budget" in (_BY_END.get(ended), _BY_SUBTYPE.get(subtype))
    if not failed or (is_over_budget and stop_reason == "end_turn"):
        return "in_pieces" if heard.in_pieces else ""
    for table, key in (
        (_BY_END, ended),
        (_BY_SUBTYPE, subtype),
        (_BY_API_ERROR, heard.api_error),
    ):
        if key in table:
            return table[key]
    return _by_status(status, ended, heard.api_error)


def _by_status(status: int, ended: str, api_error: str) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "server"
    if status >= 400:
        return "bad_request"
    if ended == "api_error" or api_error in ("server_error", "unknown"):
        return "network"
    return "execution"


def outcome(
    call: AgentCall,
    heard: Heard,
    failure: BaseException | None,
    *,
    now: float,
    elapsed_ms: int,
    stderr: Sequence[str] = (),
) -> AgentReply:
    """The reply to a call that has ended. Raises what is no reply (see seams.Agent)."""
    source = heard.result if heard.result is not None else failure
    if source is None:
        return reply(call, heard, elapsed_ms, "incomplete", "the CLI ended without a result")
    if heard.result is None and "ResultError" not in _names(failure):
        kind, message = _from_exception(heard, source)
    else:
        kind = error_kind(heard, source)
        message = _error_message(heard, source, kind) if kind else ""
    if kind == "cli" or kind == "crashed":
        message = " | ".join([message, *stderr[-5:]])
    return _dispose(call, heard, elapsed_ms, kind, one_line(message, 500), now)


def _dispose(
    call: AgentCall, heard: Heard, elapsed_ms: int, kind: str, message: str, now: float
) -> AgentReply:
    if kind == "budget":
        message = over_budget(call)
    elif kind == "max_turns":
        message = _out_of_turns(call, heard)
    # Where the budget ended, the last tool did not run.
    used_tool = heard.tool_answered if kind == "budget" else heard.used_tool
    may_have_acted = used_tool and has_effects(call.effect)
    if may_have_acted and kind in {*RETRY, *FATAL, "model_not_found"}:
        kind, message = "interrupted", f"after its first tool call: {message}"
    bought = heard.bought
    cost_usd, tokens = bought.cost_usd(call.model) or 0.0, bought.tokens
    if kind in FATAL:
        raise AgentNotReady(kind, message, advice=FATAL[kind], cost_usd=cost_usd, tokens=tokens)
    if kind == "model_not_found":
        raise ModelNotFound(call.model, message)
    if kind in RETRY:
        ends_at = heard.resets_at if kind == "rate_limit" else None
        wait_s = None if ends_at is None else max(0.0, ends_at - now)
        raise AgentUnavailable(
            kind, message, retry_after_s=wait_s, cost_usd=cost_usd, tokens=tokens
        )
    return reply(call, heard, elapsed_ms, kind, message)


def _out_of_turns(call: AgentCall, heard: Heard) -> str:
    """Says how to allow more, and how far the agent had come, for whoever tries next."""
    last = one_line(" ".join(heard.texts), 300)
    came = f'; the last it said was "{last}"' if last else ""
    return f"its {call.max_turns} turns were used up (--max-turns allows more){came}"


def over_budget(call: AgentCall) -> str:
    """Says that the call's share of the cap on costs is used up."""
    share = "its budget" if call.budget_usd is None else f"its ${call.budget_usd:.4g} of the cap"
    return f"the call has used up {share} without an answer; raise the cap with --max-cost-usd"


def _from_exception(heard: Heard, failure: BaseException) -> tuple[str, str]:
    names = _names(failure)
    if any(name in names for name in _UNREADABLE_EXCEPTIONS):
        return "unreadable", str(failure)
    if heard.began and "ProcessError" in names:
        return "crashed", str(failure)
    if any(name in names for name in _FATAL_EXCEPTIONS) or not heard.began:
        return "cli", f"{type(failure).__name__}: {failure}"
    return "crashed", f"{type(failure).__name__}: {failure}"


def _names(failure: BaseException | None) -> list[str]:
    return [cls.__name__ for cls in type(failure).__mro__]


def _error_message(heard: Heard, source: Any, kind: str) -> str:
    if kind in _OWN_WORDS and not heard.error_text:
        return _OWN_WORDS[kind]
    errors = source.errors if isinstance(source.errors, list) else []
    said = heard.error_text or "; ".join(str(e) for e in errors) or string(source.result)
    return said.removeprefix("API Error: ") or string(source.terminal_reason) or "no details"


def reply(
    call: AgentCall, heard: Heard, elapsed_ms: int, kind: str = "", message: str = ""
) -> AgentReply:
    """The reply with all figures that are known; an error where there is a `kind`."""
    result = heard.result
    denied, denied_paths, denied_reads = _denied(getattr(result, "permission_denials", None))
    duration = count(getattr(result, "duration_ms", None))
    text = _final_text(heard, failed=bool(kind))
    whole = AgentReply(
        text=text,
        cost_usd=heard.bought.cost_usd(call.model),
        usage=heard.bought.usage,
        estimated=heard.bought.is_estimated,
        duration_ms=elapsed_ms if duration is None else duration,
        turns=count(getattr(result, "num_turns", None)) or 0,
        model=heard.model,
        stop_reason=string(getattr(result, "stop_reason", "")),
        error=AgentError(kind=kind, message=message) if kind else None,
        denied=denied,
        denied_paths=denied_paths,
        denied_reads=denied_reads,
        urls=tuple(sorted(urls_in(text) & heard.urls)) if heard.urls else (),
    )
    return bounded(whole)


def _final_text(heard: Heard, *, failed: bool) -> str:
    """The result's text is only the answer's last block: all of them, where it ends with that."""
    said = "".join(heard.texts)
    final = getattr(heard.result, "result", None)
    if failed or not isinstance(final, str):
        return said
    return said if final and said.rstrip().endswith(final.rstrip()) else final


def _denied(value: Any) -> tuple[tuple[str, ...], ...]:
    """What the agent was not let do: tools, the paths that they were told, and paths to read."""
    entries = [e for e in value if isinstance(e, dict)] if isinstance(value, list) else []
    tools, paths, reads = [], [], []
    for entry in entries:
        tool, told = string(entry.get("tool_name")), entry.get("tool_input")
        path = path_of(tool, told if isinstance(told, dict) else {})
        if tool in READERS:
            reads.append(path)
        else:
            tools.append(tool)
            paths.append(path)
    return _each_once(tools), _each_once(paths), _each_once(reads)


def _each_once(texts: list[str]) -> tuple[str, ...]:
    whole = [text for text in dict.fromkeys(texts) if text]
    return tuple(text[:_LONGEST_DENIED] for text in whole[:_MOST_DENIED])
