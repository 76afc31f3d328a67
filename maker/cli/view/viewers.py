"""Ways to show a session: plain lines, JSON lines, nothing; the live one is in `live.py`.

A viewer only shows: it changes neither the run nor what is printed at its end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import click

from maker.cli.view.render import format_event
from maker.core.events import Event, whole
from maker.core.kinds import kind_of
from maker.core.state import RunState


class Viewer(Protocol):
    """Shows the events of a session as they come."""

    def start(self, state: Callable[[], RunState]) -> None:
        """Begin; `state` tells how the run stands."""
        ...

    def show(self, seq: int, event: Event) -> None: ...

    def say(self, text: str) -> None:
        """A line for people, on stderr."""
        ...

    def suspended(self) -> AbstractContextManager[None]:
        """While entered, the terminal is another's."""
        ...

    def stop(self) -> None:
        """Give the terminal back; may be called twice."""
        ...


class Quiet:
    """Shows no events."""

    def start(self, state: Callable[[], RunState]) -> None:
        """Remember whose session it is."""
        self._state = state

    def show(self, seq: int, event: Event) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Print the line."""
        click.echo(text, err=True)

    def suspended(self) -> AbstractContextManager[None]:
        """The terminal is not held."""
        return contextlib.nullcontext()

    def stop(self) -> None:
        """Nothing is open."""


class Lines(Quiet):
    """One plain line on stderr for each event."""

    def show(self, seq: int, event: Event) -> None:
        """Print the event."""
        simulated = not kind_of(self._state().settings.agent).is_paid
        click.echo(format_event(event, simulated=simulated), err=True)


class JsonLines(Quiet):
    """One line of JSON on stdout for each event."""

    def show(self, seq: int, event: Event) -> None:
        """Print the event's own encoding with its number."""
        click.echo(json_line(seq, event))


def json_line(seq: int, event: Event) -> str:
    """The event as programs get it; ASCII, so that it is safe on any terminal."""
    return json.dumps({"seq": seq, **whole(event)})
