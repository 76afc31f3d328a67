"""Moments as people write and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

import click

_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_OF_THE_DAY = re.compile(r"(\d{1,2}):(\d{2})")
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


def coming(text: str, now: float) -> float:
    """The next time that the machine's clock shows this, as in 22:00; or a date with a time."""
    of_the_day = _OF_THE_DAY.fullmatch(text.strip())
    try:
        if of_the_day is None:
            return datetime.fromisoformat(text.strip()).timestamp()
        at = datetime.fromtimestamp(now).replace(
            hour=int(of_the_day[1]), minute=int(of_the_day[2]), second=0, microsecond=0
        )
        return (at if at.timestamp() >= now else at + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is no coming time; give one as in 22:00, or 2026-03-31T22:00."
        ) from None


def when(timestamp: float, form: str) -> str:
    """The moment by the machine's own clock, or `?` where no calendar has it."""
    try:
        return datetime.fromtimestamp(timestamp).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "?"
