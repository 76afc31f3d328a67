"""Asking the user on a terminal, without keeping the rest of the program from its work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import click

from maker.cli.view.folding import QUOTE, WIDTH, lines_of
from maker.cli.view.viewers import Viewer
from maker.core.seams import AskUser
from maker.core.text import one_line
from maker.engine.orchestrator import Consent, nobody
from maker.engine.trouble import Tell

CaughtUp = Callable[[], Awaitable[None]]
"""Waits until what happened before a question is on the screen."""


class User(NamedTuple):
    """What can be asked of the user, and how he is told something."""

    tell: Tell
    consent: Consent = nobody
    ask_user: AskUser | None = None


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def columns() -> int:
    """How wide the screen is on which people are spoken to."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH


def discard_typed_ahead(descriptor: int) -> None:
    """Throw away what was typed before it was asked for, lines and parts of a line alike."""
    with contextlib.suppress(termios.error):  # a terminal that has hung up: reading will say so
        termios.tcflush(descriptor, termios.TCIFLUSH)


async def typed(prompt: str, discard: Callable[[int], None] = discard_typed_ahead) -> str | None:
    """The line that the user types after the prompt appeared; None at the end of the input."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    discard(descriptor)
    click.echo(prompt, nl=False, err=True)
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    line = os.read(descriptor, 65_536)
    return line.decode(errors="replace").strip() if line else None


async def choice(prompt: str, *words: str) -> str:
    """The word that the user types, whole or as its first letter; empty at the end of the input.

    Whatever else is typed is no answer, and the question is put again.
    """
    while (line := await typed(prompt)) is not None:
        for word in words:
            if line.lower() in (word, word[0]):
                return word
        click.echo(
            f"Please type one of these words, or its first letter: {', '.join(words)}.", err=True
        )
    return ""


class TerminalQuestions:
    """Puts an agent's questions to the user; an empty line leaves the matter to the agent."""

    def __init__(self, viewer: Viewer, caught_up: CaughtUp) -> None:
        self._viewer, self._caught_up = viewer, caught_up

    async def __call__(self, question: str, options: Sequence[str]) -> str:
        """The user's words, or the option whose number was typed."""
        await self._caught_up()
        with self._viewer.suspended():
            click.echo("\nA question:", err=True)
            for words in lines_of(question, columns() - len(QUOTE)):
                click.echo(f"{QUOTE}{words}", err=True)
            for number, option in enumerate(options, start=1):
                first, *rest = lines_of(one_line(option) or "-", columns() - 5)
                click.echo("\n     ".join([f"  {number}  {first}", *rest]), err=True)
            how = "A number or your own words" if options else "Your words"
            line = await typed(f"{how} (nothing: the agent decides): ")
        return chosen(line or "", options)


def chosen(line: str, options: Sequence[str]) -> str:
    """The option that the line numbers, or the line itself."""
    number = int(line) if line.isascii() and line.isdigit() and len(line) < 4 else 0
    return options[number - 1] if 1 <= number <= len(options) else line
