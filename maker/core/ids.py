"""Run ids: UUID version 7 (RFC 9562), so that they sort by time."""

from __future__ import annotations

import secrets
import uuid

from maker.core.models import RunId


def new_session_id() -> str:
    """A fresh name for one session of a run: eight hexadecimal digits."""
    return secrets.token_hex(4)


def new_run_id(now: float) -> RunId:
    """A fresh id for a run that begins now (seconds since the epoch)."""
    milliseconds = int(now * 1000) & (1 << 48) - 1
    random = secrets.randbits(74)
    number = milliseconds << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & (1 << 62) - 1
    return RunId(str(uuid.UUID(int=number)))
