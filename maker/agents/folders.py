"""Keeps an agent's file tools inside its folders: a hook of ours beside the CLI's own rules.

Measured: the CLI's rules ignore letter case, on Linux too, and a call that they deny is told only
"don't ask mode". The hook runs in this process; where it fails, the tool is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maker.agents.hooks import refused
from maker.agents.values import string
from maker.core.bounds import (
    EDITORS,
    READERS,
    Bounds,
    path_of,
    refusal,
)
from maker.core.models import AgentCall
from maker.core.permissions import offered


class Fence:
    """The bounds of one call. `cwd` is its absolute working folder, `environ` that of the CLI."""

    def __init__(self, call: AgentCall, cwd: str, environ: Mapping[str, str]) -> None:
        self._cwd, self._home = cwd, environ.get("HOME", "/")
        self._tools = [tool for tool in offered(call) if tool in (*EDITORS, *READERS)]
        places = [cwd, *call.add_dirs, *call.literal_paths]
        real = [os.path.realpath(Path(cwd, place)) for place in places]
        self._bounds = Bounds(write=(real[0],), read=tuple(dict.fromkeys(real)))

    def hooks(self) -> list[dict[str, Any]]:
        """What the SDK is told to call before the file tools; nothing where there are none."""
        if not self._tools:
            return []
        return [{"matcher": "|".join(self._tools), "hooks": [self.before_tool]}]

    async def before_tool(self, event: Any, tool_use_id: str | None, context: Any) -> Any:
        """The CLI's hook before a file tool: no opinion, or a refusal that says what is allowed."""
        tool, told = event["tool_name"], event["tool_input"]
        if tool not in self._tools or _is_long_result(tool, told, event.get("transcript_path")):
            return {}
        base = string(event.get("cwd")) or self._cwd
        why = refusal(tool, told, self._bounds, base=base, home=self._home, real=os.path.realpath)
        return refused(why)


def _is_long_result(tool: str, told: Any, transcript: Any) -> bool:
    """Whether it reads what the CLI has put into a file of its own because it was so long.

    The CLI lets an agent read its own long results and no others: nothing is added to that.
    """
    if tool not in READERS or not string(transcript):
        return False
    folder = Path(os.path.realpath(Path(transcript).parent))
    path = Path(os.path.realpath(path_of(tool, told)))
    return path.is_relative_to(folder) and path.relative_to(folder).parts[1:2] == ("tool-results",)
