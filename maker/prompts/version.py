"""The version of all prompts together: part of every request's hash, statistics are kept by it."""

from __future__ import annotations

PROMPT_VERSION = "5"
