"""Drives one session from opening to exit code: shows it, stops it in good order, reports.

What is opened (a new run, an old one) and what is printed at the end is given by the commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path

import click
from msgspec import Struct

from maker import app
from maker.cli import changes
from maker.cli.consent import TerminalConsent
from maker.cli.interrupts import Interrupts
from maker.cli.notify import Notifier
from maker.cli.terminal import TerminalQuestions, User, on_terminal
from maker.cli.view import report
from maker.cli.view.plan_tree import voting_outlook
from maker.cli.view.viewers import (
    JsonLines,
    Lines,
    Quiet,
    Viewer,
)
from maker.cli.waiting import wait_until
from maker.core import events as e
from maker.core.effects import has_effects
from maker.core.kinds import kind_of
from maker.core.models import RunId
from maker.core.seams import EventStore
from maker.core.state import RunState
from maker.core.text import terminal_safe
from maker.engine.clock import SystemClock
from maker.engine.opening import following
from maker.errors import ConfigError, Exit, MakerError, StoreTrouble
from maker.store.integrity import Head
from maker.store.location import database_url

Open = Callable[[EventStore, User], Awaitable[app.Session]]
Present = Callable[[RunId, RunState], str | None]
"""What goes to stdout at the end; None where there is no answer."""


class Output(Struct, frozen=True, kw_only=True):
    """Where and when the user wants what; `db` as it was given, `not_before` since the epoch."""

    db: str | None = None
    as_json: bool = False
    quiet: bool = False
    file: Path | None = None
    notify: str = ""
    not_before: float = 0.0


def carry(open_session: Open, present: Present, output: Output) -> int:
    """Run a session in an event loop of its own and give the exit code."""
    interrupts = Interrupts()
    try:
        return asyncio.run(_carry(open_session, present, output, interrupts))
    except asyncio.CancelledError:
        if interrupts.signum is None:
            raise
        click.echo("Interrupted before anything began.", err=True)
        return Exit.of_signal(interrupts.signum)


def write_answer(text: str, file: Path | None) -> None:
    """Print the answer on stdout, made harmless where people look; or write it to the file."""
    if file is None:
        click.echo(terminal_safe(text) if sys.stdout.isatty() else text)
        return
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write the answer to {file}: {error.strerror or error}",
            field="-o",
            advice="It is kept in the run's log: maker show @last --result",
        ) from error


async def _carry(
    open_session: Open, present: Present, output: Output, interrupts: Interrupts
) -> int:
    viewer = _viewer(output)

    async def caught_up() -> None:
        await watch.caught_up()

    user = User(viewer.say)
    if on_terminal():
        consent = TerminalConsent(viewer, interrupts, caught_up)
        user = User(viewer.say, consent, TerminalQuestions(viewer, caught_up))
    with interrupts:
        await wait_until(output.not_before, SystemClock(), viewer.say)
        async with app.opened(url=output.db) as store:
            session = await open_session(store, user)
            notifier = Notifier(output.notify, viewer.say)
            watch = _Watch(session, viewer, store, output.db, notifier, quiet=output.quiet)
            await watch.to_the_end(interrupts)
            await notifier.finish()
    try:
        answer = present(watch.run, watch.state)
        if answer is not None and (output.file is not None or not output.as_json):
            write_answer(answer, output.file)
    finally:
        await watch.report()
    return report.exit_code(watch.state, interrupts.signum)


def _viewer(output: Output) -> Viewer:
    if output.as_json:
        return JsonLines()
    if output.quiet:
        return Quiet()
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        # rich takes a while to load: only where it is used
        live: Viewer = import_module("maker.cli.view.live").Live()
        return live
    return Lines()


class _Watch:
    """Shows the events of one session, and what lies before and after them."""

    def __init__(
        self,
        session: app.Session,
        viewer: Viewer,
        store: EventStore,
        db: str | None,
        notifier: Notifier,
        *,
        quiet: bool,
    ) -> None:
        self._session, self._viewer, self._store, self._db = session, viewer, store, db
        self._notifier, self._quiet = notifier, quiet
        self._begin = Head(*session.orchestrator.head)
        self._seq = self._begin.seq
        self._opened = self._has_effects = self._over = False
        self._shown = asyncio.Event()
        self._before: dict[str, changes.Stamp] | None = {}

    @property
    def state(self) -> RunState:
        """The run as it is now; once the session is over, an end that is not stored is none."""
        made = self._session.orchestrator
        if not self._over or made.stored == made.head:
            return made.state
        cut = "not all of it could be stored"
        return dataclasses.replace(
            made.state, status="running", reason="", detail=cut, finished=None
        )

    @property
    def run(self) -> RunId:
        """The run's id."""
        return self._session.orchestrator.run_id

    async def caught_up(self) -> None:
        """Wait until all that has happened is on the screen, so that a question comes after it."""
        while self._seq < self._session.orchestrator.head[0]:
            self._shown.clear()
            await self._shown.wait()

    async def to_the_end(self, interrupts: Interrupts) -> None:
        """Show every event until the session is over, also those after an interruption."""
        if self._session.servers:
            self._viewer.say(f"Trying MCP servers: {', '.join(self._session.servers)}")
        self._viewer.start(lambda: self.state)
        try:
            await self._show_all(interrupts)
        except (MakerError, BrokenPipeError):
            self._over = True
            self._viewer.stop()
            if self._opened:
                self._viewer.say(
                    f"resume    {report.resume_command(self.run, self.state, self._db)}"
                )
            raise
        finally:
            self._over = True
            self._viewer.stop()

    async def _show_all(self, interrupts: Interrupts) -> None:
        try:
            async with contextlib.aclosing(self._session.run()) as events:
                async for event in events:
                    await self._show(event)
        except asyncio.CancelledError:
            began = self._opened or self._session.orchestrator.head[0] > self._seq
            if interrupts.signum is None or not began:
                raise
            await self._show_missed()

    async def _show_missed(self) -> None:
        """What was appended after the interruption is part of the story, too."""
        try:
            log = following(self.run, self._begin, self._store)
            missed = [record async for record in log if record.seq > self._seq]
        except StoreTrouble as error:
            self._viewer.say(f"what was stored cannot be shown: {error.message}")
            return
        for record in missed:
            await self._show(e.decode(record.payload, seq=record.seq))

    async def _show(self, event: e.Event) -> None:
        if not self._opened:
            self._opened = True
            settings = self.state.settings
            if not self._quiet:
                self._viewer.say(report.first_line(self.run, settings, os.environ))
            if kind_of(settings.agent).uses_tools:
                self._before = await asyncio.to_thread(changes.snapshot, settings.cwd)
        self._viewer.show(self._seq + 1, event)
        self._notifier.tell(self.run, event, self.state)
        match event:
            case e.ValidationPassed() if self.state.plan is not None and not self._quiet:
                plan, config, task = self.state.plan, self.state.settings, self.state.task
                self._viewer.say(voting_outlook(plan, config, task.tools, context=task.context))
            case e.StepStarted():
                self._has_effects |= has_effects(event.effect)
            case _:
                pass
        self._seq += 1
        self._shown.set()

    async def report(self) -> None:
        """Say how it ended and how to go on; quietly, only where it did not go well."""
        if self._quiet and self.state.status == "completed" and not self.state.reason:
            return
        files = ""
        if self._has_effects and kind_of(self.state.settings.agent).uses_tools:
            after = await asyncio.to_thread(changes.snapshot, self.state.settings.cwd)
            files = f"{changes.difference(self._before, after)} in {self.state.settings.cwd}"
        head, url = self._session.orchestrator.stored, database_url(self._db, os.environ)
        for line in report.last_lines(self.run, self.state, head, url, files=files, db=self._db):
            self._viewer.say(line)
