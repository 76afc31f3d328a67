"""Reads the file of `--mcp-config`; what may stand in it says `tools/mcp_config.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maker.core.text import MOST_CHARACTERS
from maker.errors import ConfigError
from maker.tools.mcp_config import servers_in


def read_mcp_file(path: Path | str) -> dict[str, dict[str, Any]]:
    """The servers of a `.mcp.json`-shaped file. Raises ConfigError for every other file."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror or error}", field="mcp_servers"
        ) from error
    return servers_in(content, str(path))
