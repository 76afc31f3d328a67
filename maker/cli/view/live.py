"""The live view on a terminal: the plan's steps with their samples and votes. Alone in using rich.

It reads the run's state; all text goes through `one_line` and `Text`, never through markup.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from maker.cli.view.render import (
    count,
    duration,
    money,
    voting,
)
from maker.cli.view.viewers import Narrator
from maker.core import events as e
from maker.core.kinds import kind_of
from maker.core.models import PlanStep
from maker.core.state import RunState, StepOutcome
from maker.core.text import one_line

REFRESH_S = 0.125
_SPINNER = "|/-\\"
_ROWS_BESIDE_STEPS = 8


class Live:
    """Draws the steps below what was said, eight times a second."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live: RichLive | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began_s = time.monotonic()
        self._votes: dict[int, str] = {}
        self._last = ""
        self._narrator = Narrator()

    def start(self, state: Callable[[], RunState]) -> None:
        """Begin to draw."""
        self._state = state
        self._live = RichLive(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=self._picture,
        )
        self._live.start()
        self._tick()

    def show(self, seq: int, event: e.Event) -> None:
        """Remember what the next picture needs of the event."""
        line = self._narrator.line(event, self._state())
        match event:
            case e.StepCompleted():
                self._votes[event.step] = voting(event.voting_summary)
            case e.ValidationFailed() | e.ModelFellBack() | e.StepFailed() | e.TryFailed():
                self.say(line)
            case e.AgentReplied() if event.reply.left_running:
                self.say(line)
            case _:
                pass
        self._last = line

    def say(self, text: str) -> None:
        """Print the line above the picture."""
        self._console.print(Text(text), soft_wrap=True)

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop drawing, and go on afterwards."""
        self.stop()
        try:
            yield
        finally:
            self.start(self._state)

    def stop(self) -> None:
        """Leave the last picture on the terminal."""
        if self._timer is not None:
            self._timer.cancel()
        live, self._live = self._live, None
        if live is not None:
            live.refresh()
            live.stop()

    def _tick(self) -> None:
        if self._live is not None:
            self._live.refresh()
            self._timer = asyncio.get_running_loop().call_later(REFRESH_S, self._tick)

    def _picture(self) -> Group:
        elapsed_s = time.monotonic() - self._began_s
        state, rows = self._state(), max(3, self._console.height - _ROWS_BESIDE_STEPS)
        return picture(state, self._votes, self._last, elapsed_s, rows, self._console.width)


def picture(
    state: RunState,
    votes: dict[int, str],
    last: str,
    elapsed_s: float,
    most_rows: int,
    width: int,
) -> Group:
    """The run as it stands: a line of totals, the steps around the current one, the last event."""
    running = state.status == "running"
    spinner = _SPINNER[int(elapsed_s / REFRESH_S) % len(_SPINNER)] if running else " "
    lines: list[Text | Table] = [_line(f"{spinner} {_totals(state, elapsed_s)}", "bold")]
    if state.plan is not None and state.phase != "rejected":
        steps = state.plan.steps
        first = max(0, min(state.execution.cursor - most_rows // 2, len(steps) - most_rows))
        lines.append(_steps(state, steps[first : first + most_rows], votes, spinner, width))
        if len(steps) > most_rows:
            lines.append(_line(f"    ({count(len(steps) - most_rows, 'more step')})", ""))
    if running:
        lines.append(_line(f"  {last}", "dim"))
    return Group(*lines)


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _is_simulated(state: RunState) -> bool:
    return state.config is not None and not kind_of(state.config.agent).is_paid


def _totals(state: RunState, elapsed_s: float) -> str:
    totals, attempt = state.totals, state.planning.attempt
    doing: str = "running"
    if state.status != "running":
        doing = state.status
    elif state.phase in ("submitted", "rejected"):
        doing = f"planning, attempt {attempt + 1}" if attempt else "planning"
    elif state.phase == "planned":
        doing = "validating"
    return ", ".join(
        (
            doing,
            count(totals.samples, "sample"),
            f"{totals.red_flagged} flagged",
            money(totals.cost_usd, simulated=_is_simulated(state)),
            duration(elapsed_s * 1000),
        )
    )


def _steps(
    state: RunState, steps: Sequence[PlanStep], votes: dict[int, str], spinner: str, width: int
) -> Table:
    outcomes = {outcome.step: outcome for outcome in state.execution.outcomes}
    longest = max((cell_len(one_line(step.title)) for step in steps), default=1)
    # Mark, number, title, progress; the last two share the room that the first two leave.
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, width=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", width=min(longest, width * 2 // 5))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for step in steps:
        outcome = outcomes.get(step.step)
        table.add_row(
            _mark(state, step, outcome, spinner),
            Text(str(step.step)),
            Text(one_line(step.title)),
            Text(_progress(state, step, outcome, votes), style="dim"),
        )
    return table


def _mark(state: RunState, step: PlanStep, outcome: StepOutcome | None, spinner: str) -> Text:
    if outcome is not None:
        is_done = outcome.status == "completed"
        return Text("✓" if is_done else "✗", style="green" if is_done else "red")
    if (
        state.phase == "executing"
        and state.execution.cursor == step.step
        and state.status == "running"
    ):
        return Text(spinner, style="cyan")
    return Text("·", style="dim")


def _progress(
    state: RunState, step: PlanStep, outcome: StepOutcome | None, votes: dict[int, str]
) -> str:
    if outcome is not None:
        return one_line(outcome.error) if outcome.error else votes.get(step.step, "")
    parts = []
    loop = state.execution.loop
    if loop and loop.step == step.step:
        parts.append(f"{len(loop.outputs) + len(loop.failed)} of {count(loop.items, 'item')}")
    open_lanes = state.execution.lanes.values()
    lanes = [lane for lane in open_lanes if lane.step == step.step and lane.started]
    if step.repeat and lanes:
        parts.append(f"pass {lanes[0].iteration + 1:,}")
    for lane in lanes[:4]:
        replies, flagged = len(lane.replies), len(lane.flagged)
        again = f", try {lane.try_number + 1}" if lane.try_number else ""
        voted = f" ({lane.strategy})" if lane.strategy != "none" else ""
        parts.append(f"{count(replies, 'sample')} in, {flagged} flagged{voted}{again}")
    return "; ".join(parts)
