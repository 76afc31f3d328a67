"""The identity of what an agent was asked: a hash over the meaning of a call, not its place."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from maker.core.models import AgentCall, Digest
from maker.core.version import RULES

_NAMES = (
    "role", "prompt_version", "system_prompt", "prompt", "model", "effort", "thinking",
    "output_schema",
)  # fmt: skip
_TEXTS = attrgetter(*_NAMES)
MEANING = (*_NAMES, "tools", "targets")
"""What the answer may depend on; working folder, date, limits and session are not in it."""
FOLDER = "\0working folder\0"
REMEMBERED = 16
"""All samples of a try are asked the same: so many tries' hashes are not computed again."""


def request_hash(call: AgentCall, rules: int = RULES) -> Digest:
    """SHA-256 (hex) over the call's meaning; equal questions have equal hashes.

    The working folder's place in the prompt, and that of folders to read, counts as a placeholder,
    but under the first rules.
    """
    folders = (call.cwd, *call.add_dirs) if rules >= 2 else ()
    targets = None if call.targets is None else tuple(call.targets)
    return _request_hash(_TEXTS(call), tuple(call.tools), targets, folders)


@lru_cache(maxsize=REMEMBERED)
def _request_hash(
    texts: tuple[str | None, ...],
    tools: tuple[str, ...],
    targets: tuple[int, ...] | None,
    folders: tuple[str, ...],
) -> Digest:
    meaning: dict[str, Any] = {**dict(zip(_NAMES, texts, strict=True)), "tools": tools}
    meaning["targets"] = targets
    for folder in sorted(filter(None, folders), key=len, reverse=True):
        meaning["prompt"] = meaning["prompt"].replace(folder, FOLDER)
    return Digest(hashlib.sha256(msgspec.json.encode(meaning, order="deterministic")).hexdigest())


def kept_prompt(call: AgentCall) -> tuple[Digest, bytes]:
    """What is kept of a prompt, once by content: the system prompt and the user's."""
    return _kept_prompt(call.system_prompt, call.prompt)


@lru_cache(maxsize=REMEMBERED)
def _kept_prompt(system: str, prompt: str) -> tuple[Digest, bytes]:
    text = msgspec.json.encode({"system": system, "prompt": prompt})
    return Digest(hashlib.sha256(text).hexdigest()), text
