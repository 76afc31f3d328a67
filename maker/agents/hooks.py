"""What our hooks before a tool answer the CLI."""

from __future__ import annotations

from typing import Any


def refused(why: str) -> dict[str, Any]:
    """What a hook before a tool answers: no opinion without a reason, otherwise a refusal."""
    if not why:
        return {}
    decision = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": why,
    }
    return {"hookSpecificOutput": decision}
