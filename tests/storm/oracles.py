"""What must be true whatever was done to the processes; each oracle gives what contradicts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from maker.agents import processes
from maker.cli.view.viewers import json_line
from maker.core import events as e
from maker.core.comparison import bought_twice, differences
from maker.core.models import RunId
from storm.harness import Session, Storm


def contradictions(
    storm: Storm,
    run: RunId,
    undisturbed: Sequence[e.Event],
    sessions: Sequence[Session] | None = None,
) -> list[str]:
    """All that is wrong with a run that was disturbed and has ended; `sessions`: those of it."""
    log, sessions = storm.log(run), list(storm.sessions if sessions is None else sessions)
    return [
        *lost(sessions, log),
        *twice(storm, sessions, log),
        *differences(list(undisturbed), log),
        *left_behind(sessions),
        *tracebacks(sessions),
        *objections(storm, run),
    ]


def lost(sessions: Iterable[Session], log: Sequence[e.Event]) -> list[str]:
    """Events that were printed and are not in the log, or not with the same payload."""
    lines = [json_line(seq, event) for seq, event in enumerate(log, 1)]
    whole, found = set(lines), []
    for session in sessions:
        *printed, cut = session.printed
        found += [f"lost: {line[:80]}" for line in printed if line not in whole]
        if cut and not any(line.startswith(cut) for line in lines):
            found.append(f"lost, and printed in part: {cut[:80]}")
    return found


def twice(storm: Storm, sessions: Iterable[Session], log: Sequence[e.Event]) -> list[str]:
    """Replies that had landed and were bought again, or that were bought twice by one process."""
    landed = {session.pid: session.landed for session in sessions}
    asked = [line for line in storm.ledger.asked() if line.pid in landed]
    counts = Counter((line.pid, line.key) for line in asked)
    return [
        *(f"answered twice in the log: {key}" for key in bought_twice(log)),
        *(f"bought again: {line.key}" for line in asked if line.key in landed[line.pid]),
        *(f"bought twice at once: {key}" for (_, key), number in counts.items() if number > 1),
    ]


def left_behind(sessions: Iterable[Session]) -> Iterator[str]:
    """Processes of an agent that have outlived the maker that started them."""
    pids = {session.pid for session in sessions}
    for process in processes.marked():
        if process.started_by in pids:
            yield f"left behind: process {process.pid}, {process.command}"


def tracebacks(sessions: Iterable[Session]) -> Iterator[str]:
    """Errors that nobody put into words."""
    yield from (session.err for session in sessions if "Traceback" in session.err)


def objections(storm: Storm, run: RunId) -> Iterator[str]:
    """What the program's own examiners say against the run and its database."""
    for command in (("verify", run), ("replay", run), ("db", "check")):
        session = storm.examined(*command)
        if session.status != 0:
            yield f"{' '.join(command)}: {session.status}: {session.out[-500:]}{session.err}"
