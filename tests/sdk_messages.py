"""Stand-ins for the SDK's messages: classes of the same names, with the fields that count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

RESULT: dict[str, Any] = {
    "subtype": "success",
    "is_error": False,
    "duration_ms": 130,
    "num_turns": 1,
    "stop_reason": "end_turn",
    "total_cost_usd": 0.0001,
    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 2},
    "result": "4",
    "permission_denials": [],
    "errors": None,
    "api_error_status": None,
    "terminal_reason": "completed",
}


def of(name: str, /, **fields: Any) -> Any:
    """An object of a class with that name."""
    return type(name, (SimpleNamespace,), {})(**fields)


def said(*texts: str, model: str = "claude-sonnet-4-5", error: str | None = None) -> Any:
    blocks = [of("TextBlock", text=text) for text in texts]
    return of("AssistantMessage", content=blocks, model=model, error=error)


def used(tool: str) -> Any:
    block = of("ToolUseBlock", name=tool, input={})
    return of("AssistantMessage", content=[block], model="claude-sonnet-4-5", error=None)


def billed(message: Any, message_id: str, **usage: int) -> Any:
    """The message with what the API counted when it began: its output is not known yet."""
    message.message_id, message.usage = message_id, {"output_tokens": 1, **usage}
    return message


def tool_gave(text: str) -> Any:
    return of("UserMessage", content=[of("ToolResultBlock", content=text)])


def nudged() -> Any:
    return of("UserMessage", content=[of("TextBlock", text="Go on.")])


def result(**fields: Any) -> Any:
    return of("ResultMessage", **{**RESULT, **fields})


def api_error(
    error: str, status: int | None, text: str = "API Error: no", **fields: Any
) -> list[Any]:
    failed = {"is_error": True, "api_error_status": status, "terminal_reason": "api_error"}
    return [said(text, model="<synthetic>", error=error), result(result=text, **failed | fields)]
