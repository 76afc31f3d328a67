"""The identity of what an agent was asked: a hash over the meaning of a call, not its place."""

from __future__ import annotations

import hashlib

import msgspec

from maker.core.models import AgentCall, Digest
from maker.core.version import RULES

MEANING = (
    "role", "prompt_version", "system_prompt", "prompt", "model", "effort", "thinking", "tools",
    "output_schema", "targets",
)  # fmt: skip
"""What the answer may depend on; working folder, date, limits and session are not in it."""
FOLDER = "\0working folder\0"


def request_hash(call: AgentCall, rules: int = RULES) -> Digest:
    """SHA-256 (hex) over the call's meaning; equal questions have equal hashes.

    The working folder's place in the prompt, and that of folders to read, counts as a placeholder,
    but under the first rules.
    """
    meaning = {name: getattr(call, name) for name in MEANING}
    if rules >= 2:
        for folder in sorted(filter(None, [call.cwd, *call.add_dirs]), key=len, reverse=True):
            meaning["prompt"] = meaning["prompt"].replace(folder, FOLDER)
    return Digest(hashlib.sha256(msgspec.json.encode(meaning, order="deterministic")).hexdigest())


def prompt_text(call: AgentCall) -> bytes:
    """What is kept of a prompt, once by content: the system prompt and the user's."""
    return msgspec.json.encode({"system": call.system_prompt, "prompt": call.prompt})
