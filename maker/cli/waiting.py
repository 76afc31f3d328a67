"""Waits for the time of the day that `--not-before` names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from maker.cli.view.render import duration
from maker.cli.view.times import when
from maker.core.seams import Clock
from maker.engine.clock import rest


async def wait_until(moment: float, clock: Clock, say: Callable[[str], None]) -> None:
    """Wait until the clock on the wall shows the moment, however long the machine slept."""
    if (remaining_s := moment - clock.now()) > 0:
        at = when(moment, "%Y-%m-%d %H:%M")
        say(f"waiting until {at} ({duration(1000 * remaining_s)}); Ctrl-C ends it, nothing began")
    while (remaining_s := moment - clock.now()) > 0:
        await rest(clock, remaining_s, unless=asyncio.Event())
