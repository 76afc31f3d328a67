"""Keeps WebFetch to the hosts that were agreed to: a hook of ours beside the CLI's own rules.

Measured: the CLI lets some hundred hosts pass that nobody named, such as docs.python.org, and what
its rules deny is told only "don't ask mode". The hook runs in this process; where it fails, the
tool is refused.
"""

from __future__ import annotations

from typing import Any

from maker.agents.hooks import refused
from maker.agents.values import string
from maker.core.effects import FETCH
from maker.core.models import AgentCall
from maker.core.permissions import offered
from maker.core.web import refusal


class WebGate:
    """What one call may fetch from."""

    def __init__(self, call: AgentCall) -> None:
        self._grants = call.grants
        self._is_offered = FETCH in offered(call)

    def hooks(self) -> list[dict[str, Any]]:
        """What the SDK is told to call before a fetch; nothing where none can be."""
        return [{"matcher": FETCH, "hooks": [self.before_tool]}] if self._is_offered else []

    async def before_tool(self, event: Any, tool_use_id: str | None, context: Any) -> Any:
        """The CLI's hook before a fetch: no opinion, or a refusal that says what is allowed."""
        if event["tool_name"] != FETCH:
            return {}
        why = refusal(string(event["tool_input"].get("url")), self._grants)
        return refused(why)
