"""What one call has bought: as its results say, and estimated from the messages after the last one.

Measured: the usage of a message is that of its beginning, so its input is exact and its output is
1; a result's `usage` leaves out its last response where the budget ended it, and all turns but the
last after a background one; `model_usage` and `total_cost_usd` are of the whole call.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from maker.agents.values import count, number, string
from maker.core.models import Usage
from maker.plan import costs

CHARACTERS_PER_TOKEN = 4


class Response(Struct):
    """One response of the API, without a result so far."""

    model: str
    usage: Usage
    characters: int = 0

    @property
    def estimate(self) -> Usage:
        """Its tokens: as the API counted them, or by the length of what it said."""
        output = max(self.usage.output_tokens, math.ceil(self.characters / CHARACTERS_PER_TOKEN))
        return added([self.usage, Usage(output_tokens=output - self.usage.output_tokens)])


class Bought(Struct):
    """What one call has bought so far; None and nothing open where nothing was said of it."""

    settled_usd: float | None = None
    settled: Usage | None = None
    open: dict[str, Response] = field(default_factory=dict)

    @property
    def is_estimated(self) -> bool:
        """Whether a part of it is known by its messages alone."""
        return bool(self.open)

    @property
    def usage(self) -> Usage | None:
        """All tokens, or None where nothing was said of them."""
        estimates = [response.estimate for response in self.open.values()]
        if self.settled is None and not estimates:
            return None
        return added([self.settled or Usage(), *estimates])

    @property
    def tokens(self) -> int:
        """All tokens, cached or not; 0 where nothing was said of them."""
        return self.usage.total if self.usage else 0

    def cost_usd(self, model: str) -> float | None:
        """Dollars; what has no result is priced from the list, for `model` where it names none."""
        estimates = [
            costs.usage_cost(response.model or model, response.estimate)
            for response in self.open.values()
        ]
        if self.settled_usd is None and not estimates:
            return None
        return (self.settled_usd or 0.0) + sum(estimates)


def take_in(bought: Bought, message: Any) -> None:
    """Count one message of the SDK; those that are no response and no result say nothing."""
    match type(message).__name__:
        case "AssistantMessage":
            _open(bought, message)
        case "ResultMessage":
            _settle(bought, message)


def _open(bought: Bought, message: Any) -> None:
    """The blocks of one response come as messages of their own, with the same id and usage."""
    usage = usage_of(getattr(message, "usage", None))
    if usage is None:
        return
    message_id = string(getattr(message, "message_id", None)) or f"#{len(bought.open)}"
    response = bought.open.setdefault(message_id, Response(string(message.model), usage))
    blocks = message.content if isinstance(message.content, list) else []
    response.characters += sum(map(_length, blocks))


def _settle(bought: Bought, result: Any) -> None:
    cost_usd = number(getattr(result, "total_cost_usd", None))
    if cost_usd is None and bought.open:
        return  # the messages say more than this result
    turn = usage_of(getattr(result, "usage", None))
    so_far = added(usage for usage in (bought.settled, turn) if usage)
    whole = _of_all_models(getattr(result, "model_usage", None))
    if bought.settled or turn or whole:
        bought.settled = max(so_far, whole or Usage(), key=lambda usage: usage.total)
    if cost_usd is not None:
        bought.settled_usd = max(cost_usd, bought.settled_usd or 0.0)
    bought.open.clear()


def usage_of(value: Any) -> Usage | None:
    """The tokens in a usage of the API, or None where it is none."""
    if not isinstance(value, dict):
        return None
    return Usage(
        input_tokens=count(value.get("input_tokens")) or 0,
        output_tokens=count(value.get("output_tokens")) or 0,
        cache_read_tokens=count(value.get("cache_read_input_tokens")) or 0,
        cache_creation_tokens=count(value.get("cache_creation_input_tokens")) or 0,
    )


def _of_all_models(value: Any) -> Usage | None:
    entries = value.values() if isinstance(value, dict) else []
    found = [
        Usage(
            input_tokens=count(entry.get("inputTokens")) or 0,
            output_tokens=count(entry.get("outputTokens")) or 0,
            cache_read_tokens=count(entry.get("cacheReadInputTokens")) or 0,
            cache_creation_tokens=count(entry.get("cacheCreationInputTokens")) or 0,
        )
        for entry in entries
        if isinstance(entry, dict)
    ]
    return added(found) if found else None


def added(usages: Iterable[Usage]) -> Usage:
    """All tokens of them together."""
    listed = list(usages)
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in listed),
        output_tokens=sum(usage.output_tokens for usage in listed),
        cache_read_tokens=sum(usage.cache_read_tokens for usage in listed),
        cache_creation_tokens=sum(usage.cache_creation_tokens for usage in listed),
    )


def _length(block: Any) -> int:
    """Characters of a text, a thought, or what a tool is told."""
    match type(block).__name__:
        case "TextBlock":
            return len(string(block.text))
        case "ThinkingBlock":
            return len(string(block.thinking))
        case "ToolUseBlock" if isinstance(block.input, dict):
            return len(json.dumps(block.input, default=str))
        case _:
            return 0
