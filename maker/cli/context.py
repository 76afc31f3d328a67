"""The context of a task: the files of --context, and what is piped to maker beside an instruction.

It is read once, before the run begins, and recorded with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from maker.cli import texts
from maker.cli.texts import STANDARD_INPUT
from maker.core.models import CONTEXT, MOST_CONTEXT_CHARACTERS, Plan
from maker.core.text import one_line
from maker.errors import ConfigError
from maker.plan.plan_view import reads_context

FIRST_BYTE_S = 5.0
"""How long a pipe that nobody named may take to say something."""

_WIDEST_CHARACTER_BYTES = 4
_BYTE_ORDER_MARK_BYTES = 3

Ready = Callable[[float | None], bool]
"""Whether the standard input can be read within so many seconds; None waits for ever."""


def gather(
    files: Sequence[Path], plan: Plan | None, *, pipe: bool, ready: Ready = texts.ready
) -> str:
    """The files, then what is piped to maker where `pipe` allows it, as one text.

    A plan that the user wrote must read what was named, and have what it reads: ConfigError
    otherwise, as for what is no text or too long. What becomes of a pipe is said on stderr.
    """
    if plan is not None and not reads_context(plan):
        return _unread(files, pipe=pipe)
    parts: list[_Part] = []
    for source in map(str, files):
        parts.append(_Part(source, _named(source, _room(parts))))
    if pipe and texts.is_piped() and (text := _piped(_room(parts), ready)):
        parts.append(_Part(STANDARD_INPUT, text))
    if plan is not None and not parts:
        raise ConfigError(
            f"the plan reads `{CONTEXT}`, but none was given",
            field="context",
            advice="Give it with --context FILE, or pipe it to maker.",
        )
    if [part.source for part in parts] == [STANDARD_INPUT]:
        return parts[0].text
    return "\n\n".join(part.headed for part in parts)


class _Part(NamedTuple):
    source: str
    text: str

    @property
    def headed(self) -> str:
        if self.source == STANDARD_INPUT:
            return f"Standard input:\n{self.text}"
        return f"File {one_line(self.source, 300)} (whole):\n{self.text}"


def _unread(files: Sequence[Path], *, pipe: bool) -> str:
    if files:
        raise ConfigError(
            f"no step of the plan reads the {CONTEXT}",
            field="context",
            advice=f"Name `{CONTEXT}` in the input_variables of a step, or leave --context out.",
        )
    if pipe and texts.is_piped():
        _say(f"The standard input is not read: no step of the plan names `{CONTEXT}`.")
    return ""


def _room(parts: Sequence[_Part]) -> int:
    return max(0, MOST_CONTEXT_CHARACTERS - sum(len(part.headed) + 2 for part in parts))


def _named(source: str, room: int) -> str:
    if source != STANDARD_INPUT:
        return _whole(texts.read_bytes(source, _most_bytes(room)), source, room)
    if sys.stdin.isatty():
        _say("Type the context, then Ctrl-D:")
    text = _whole(texts.read_bytes(source, _most_bytes(room)), source, room)
    if not text.strip():
        raise ConfigError(
            "nothing came on the standard input that --context - asks for", field="context"
        )
    return text


def _piped(room: int, ready: Ready) -> str:
    """What is piped to maker; empty where nothing comes in time."""
    if not ready(0.0):
        _say(f"Waiting {FIRST_BYTE_S:g} s for the standard input (to give none: < /dev/null).")
        if not ready(FIRST_BYTE_S):
            _say("Nothing came: going on without it. To wait for as long as it takes: --context -")
            return ""
    data = texts.read_bytes(STANDARD_INPUT, 1)
    if data:
        _say("The standard input goes along as context; it is read to its end.")
        data += texts.read_bytes(STANDARD_INPUT, _most_bytes(room) - 1)
    text = _whole(data, STANDARD_INPUT, room)
    if not text.strip():
        _say("The standard input is empty: going on without it.")
        return ""
    return text


def _most_bytes(room: int) -> int:
    """One more than the longest text that fits can have."""
    return _WIDEST_CHARACTER_BYTES * room + _BYTE_ORDER_MARK_BYTES + 1


def _whole(data: bytes, source: str, room: int) -> str:
    advice = (
        "Give an excerpt, or write it to a file in the working folder and let a step read that."
    )
    advice = f"{advice} {texts.unasked(source)}".strip()
    text = "" if len(data) == _most_bytes(room) else texts.decoded(data, source, advice)
    if len(data) == _most_bytes(room) or len(text) > room:
        raise ConfigError(
            f"{texts.named(source)} is too long for the context: {room:,} characters fit",
            field="context",
            advice=advice,
        )
    return text


def _say(text: str) -> None:
    click.echo(text, err=True)
