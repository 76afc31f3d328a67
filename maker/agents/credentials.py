"""Where the agent's credentials come from: a name to show, never a value. No SDK import."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

_CLOUDS = {
    "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock",
    "CLAUDE_CODE_USE_VERTEX": "Google Vertex AI",
    "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
}
_VARIABLES = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")
NONE_FOUND = "none found"


def credential_source(environ: Mapping[str, str]) -> str:
    """The source that wins: a cloud, then a variable, then the login of Claude's own CLI."""
    for variable, cloud in _CLOUDS.items():
        if environ.get(variable, "").lower() in ("1", "true", "yes", "on"):
            return f"{cloud} ({variable})"
    for variable in _VARIABLES:
        if environ.get(variable):
            return variable
    shown = environ.get("CLAUDE_CONFIG_DIR") or "~/.claude"
    in_home = shown == "~/.claude"
    folder = Path(environ.get("HOME") or Path.home(), ".claude") if in_home else Path(shown)
    if (folder / ".credentials.json").is_file():
        return f"claude login ({shown}/.credentials.json)"
    if sys.platform == "darwin" and (folder / ".claude.json").is_file():
        return "claude login (macOS keychain, if you are logged in)"
    return NONE_FOUND
