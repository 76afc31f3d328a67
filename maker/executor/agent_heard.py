"""What is heard of one call, message by message. Pure; messages are known by class name only.

An attribute counts only if it has its type, so that a stand-in for a message with arbitrary
attributes does no harm. What the whole means is in `agent_outcomes.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

SYNTHETIC = "<synthetic>"
"""The model name that the CLI gives to its own error messages."""


class Heard(Struct):
    """What was heard of one call so far."""

    texts: list[str] = field(default_factory=list)
    model: str = ""
    api_error: str = ""
    error_text: str = ""
    began: bool = False
    used_tool: bool = False
    in_pieces: bool = False
    resets_at: float | None = None
    unreachable: list[str] = field(default_factory=list)
    result: Any = None


def listen(heard: Heard, message: Any) -> None:
    """Take in one message of the SDK."""
    heard.began = True
    of_subagent = isinstance(getattr(message, "parent_tool_use_id", None), str)
    match type(message).__name__:
        case "AssistantMessage" if not of_subagent:
            _listen_to_assistant(heard, message)
        case "UserMessage" if not of_subagent:
            _listen_to_user(heard, message)
        case "SystemMessage" if message.subtype == "init" and isinstance(message.data, dict):
            servers = message.data.get("mcp_servers")
            heard.unreachable += _unreachable(servers if isinstance(servers, list) else [])
        case "RateLimitEvent":
            heard.resets_at = number(getattr(message.rate_limit_info, "resets_at", None))
        case "ResultMessage":
            heard.result = message


def _listen_to_assistant(heard: Heard, message: Any) -> None:
    blocks = message.content if isinstance(message.content, list) else []
    texts = [block.text for block in blocks if _is_text(block)]
    if string(message.error):
        heard.api_error, heard.error_text = message.error, "".join(texts)
        return
    if string(message.model) and message.model != SYNTHETIC:
        heard.model = message.model
    if any(type(block).__name__ == "ToolUseBlock" for block in blocks):
        heard.used_tool = True
        heard.texts.clear()
    heard.texts += texts


def _listen_to_user(heard: Heard, message: Any) -> None:
    """Results of tools start the answer anew; the CLI's own "go on" after a text breaks it."""
    blocks = message.content if isinstance(message.content, list) else []
    if any(type(block).__name__ == "ToolResultBlock" for block in blocks):
        heard.texts.clear()
    elif heard.texts:
        heard.in_pieces = True


def _unreachable(servers: Sequence[Any]) -> list[str]:
    bad = ("failed", "needs-auth", "disabled")
    entries = [server for server in servers if isinstance(server, dict)]
    return [f"{s.get('name')} ({s.get('status')})" for s in entries if s.get("status") in bad]


def _is_text(block: Any) -> bool:
    return type(block).__name__ == "TextBlock" and isinstance(block.text, str)


def string(value: Any) -> str:
    """The value if it is a string, or nothing."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """The value if it is a finite number from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def count(value: Any) -> int | None:
    """The value if it is a number from 0, whole."""
    found = number(value)
    return None if found is None else int(found)
