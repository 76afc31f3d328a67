"""What is heard of one call, message by message. Pure; messages are known by class name only.

What the whole means is in `agent_outcomes.py`, what was bought with it in `agent_bought.py`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from maker.agents.bought import Bought, take_in
from maker.agents.offers import Offer, offer_of
from maker.agents.values import number, string
from maker.core.effects import FETCH
from maker.core.web import urls_in

_MOST_URLS = 10_000
SYNTHETIC = "<synthetic>"
"""The model name that the CLI gives to its own error messages."""


class Heard(Struct):
    """What was heard of one call so far; `urls` are those that it was shown, where they count."""

    texts: list[str] = field(default_factory=list)
    model: str = ""
    api_error: str = ""
    error_text: str = ""
    began: bool = False
    used_tool: bool = False
    tool_answered: bool = False
    in_pieces: bool = False
    resets_at: float | None = None
    offer: Offer | None = None
    keeps_urls: bool = False
    urls: set[str] = field(default_factory=set)
    bought: Bought = field(default_factory=Bought)
    result: Any = None


def listen(heard: Heard, message: Any) -> None:
    """Take in one message of the SDK."""
    heard.began = True
    take_in(heard.bought, message)
    of_subagent = isinstance(getattr(message, "parent_tool_use_id", None), str)
    match type(message).__name__:
        case "AssistantMessage" if not of_subagent:
            _listen_to_assistant(heard, message)
        case "UserMessage" if not of_subagent:
            _listen_to_user(heard, message)
        case "SystemMessage" if message.subtype == "init":
            heard.offer = heard.offer or offer_of(message.data)
        case "RateLimitEvent":
            heard.resets_at = _end_of_limit(message.rate_limit_info)
        case "ResultMessage":
            heard.result = message


def _listen_to_assistant(heard: Heard, message: Any) -> None:
    blocks = message.content if isinstance(message.content, list) else []
    text_blocks = [block for block in blocks if type(block).__name__ == "TextBlock"]
    texts = [block.text for block in text_blocks if isinstance(block.text, str)]
    if string(message.error):
        heard.api_error, heard.error_text = message.error, "".join(texts)
        return
    if string(message.model) and message.model != SYNTHETIC:
        heard.model = message.model
    uses = [block for block in blocks if type(block).__name__ == "ToolUseBlock"]
    if uses:
        if heard.keeps_urls:
            _note_urls(heard, [block.input.get("url") for block in uses if _is_fetch(block)])
        heard.used_tool = True
        heard.texts.clear()
    heard.texts += texts


def _listen_to_user(heard: Heard, message: Any) -> None:
    """Results of tools start the answer anew; the CLI's own "go on" after a text breaks it."""
    blocks = message.content if isinstance(message.content, list) else []
    results = [block for block in blocks if type(block).__name__ == "ToolResultBlock"]
    if results:
        if heard.keeps_urls:
            _note_urls(heard, [block.content for block in results])
        heard.texts.clear()
        heard.tool_answered = True
    elif heard.texts:
        heard.in_pieces = True


def _is_fetch(block: Any) -> bool:
    return block.name == FETCH and isinstance(block.input, dict)


def _note_urls(heard: Heard, content: Any) -> None:
    """Remember the URLs that the agent was shown: only those may it cite."""
    match content:
        case str() if len(heard.urls) < _MOST_URLS:
            heard.urls |= urls_in(content)
        case list():
            for each in content:
                _note_urls(heard, each.get("text") if isinstance(each, dict) else each)
        case _:
            pass


def _end_of_limit(info: Any) -> float | None:
    """When the limit ends, where there is one: an allowed window has an end of its own, too."""
    is_rejected = getattr(info, "status", None) == "rejected"
    return number(getattr(info, "resets_at", None)) if is_rejected else None
