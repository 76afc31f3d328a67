"""Ways to show a session: plain lines, JSON lines, nothing; the live one is in `live.py`.

A viewer only shows: it changes neither the run nor what is printed at its end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import click

from maker.cli.view.render import format_event, place
from maker.core.events import Event, ForEachStarted, lane, whole
from maker.core.inputs import for_each_list, item_label
from maker.core.kinds import kind_of
from maker.core.state import RunState


class Narrator:
    """Says events in words, and of the items of a `for_each` step which each is.

    The list is looked up when its step begins: where events are shown, the run may be far ahead.
    """

    def __init__(self) -> None:
        self._step, self._items = -1, list[Any]()

    def line(self, event: Event, state: RunState) -> str:
        """The event on one line, as in `Step 1, item 3 of 8, src/m3.py completed: ...`."""
        if isinstance(event, ForEachStarted):
            items = for_each_list(state, state.step(event.step)) if state.plan else []
            self._step, self._items = event.step, items if isinstance(items, list) else []
        line = format_event(event, simulated=not kind_of(state.settings.agent).is_paid)
        where = lane(event)
        if where is None or where[0] != self._step or where[1] >= len(self._items):
            return line
        label = item_label(self._items[where[1]])
        name = f"{place(where[0])}, item {where[1] + 1:,} of {len(self._items):,}, {label}"
        return name + line.removeprefix(place(*where))


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

    def __init__(self) -> None:
        self._narrator = Narrator()

    def show(self, seq: int, event: Event) -> None:
        """Print the event."""
        click.echo(self._narrator.line(event, self._state()), err=True)


class JsonLines(Quiet):
    """One line of JSON on stdout for each event."""

    def show(self, seq: int, event: Event) -> None:
        """Print the event's own encoding with its number."""
        click.echo(json_line(seq, event))


def json_line(seq: int, event: Event) -> str:
    """The event as programs get it; ASCII, so that it is safe on any terminal."""
    return json.dumps({"seq": seq, **whole(event)})
