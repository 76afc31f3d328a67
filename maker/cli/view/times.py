"""Moments as people write and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNIT_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> float:
    """A date such as 2026-03-31, with or without a time, or how long ago, as in 2d."""
    ago = _AGO.fullmatch(text.strip().lower())
    if ago:
        return time.time() - int(ago[1]) * _UNIT_S[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is not a time; give a date as in 2026-03-31, or an age: 30m, 12h, 2d, 1w."
        ) from None


def when(timestamp: float, form: str) -> str:
    """The moment by the machine's own clock, or `?` where no calendar has it."""
    try:
        return datetime.fromtimestamp(timestamp).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "?"
