"""Reads what a user hands over as text: files, and the standard input; not what it is for."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path

from maker.core.text import MOST_CHARACTERS
from maker.errors import ConfigError

STANDARD_INPUT = "-"
MOST_BYTES = MOST_CHARACTERS

_CHUNK_BYTES = 65_536


def read_text(source: str) -> str:
    """The text of the file, or of the standard input where it is `-`."""
    data = read_bytes(source, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ConfigError(
            f"{named(source)} has more than {MOST_BYTES:,} bytes",
            field="plan",
            advice="No plan or instruction is that long: is it the right file?",
        )
    return decoded(data, source)


def read_bytes(source: str, most: int) -> bytes:
    """The beginning of the source, at most so many bytes. Raises ConfigError where it has none."""
    try:
        if source == STANDARD_INPUT:
            return _read_descriptor(most)
        with Path(source).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise ConfigError(
            f"cannot read {named(source)}: {error.strerror or error}", advice=unasked(source)
        ) from error


def decoded(data: bytes, source: str, advice: str = "Convert it to UTF-8.") -> str:
    """The bytes of the source as text. Raises ConfigError for anything but UTF-8 without NUL."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{named(source)} is not UTF-8 text: {error}", advice=advice) from error
    if "\0" in text:
        raise ConfigError(f"{named(source)} is not text: it holds a NUL character", advice=advice)
    return text


def named(source: str) -> str:
    """The source as it may stand in a message."""
    return "the standard input" if source == STANDARD_INPUT else source


def unasked(source: str) -> str:
    """What to do about a standard input that was never meant for maker."""
    return "To give maker no standard input: < /dev/null" if source == STANDARD_INPUT else ""


def is_piped() -> bool:
    """Whether the standard input is a pipe or a file: not a terminal, a socket or /dev/null."""
    descriptor = _descriptor()
    if descriptor is None:
        return False
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def ready(seconds: float | None) -> bool:
    """Whether the standard input has data, or its end, within the time (None: for ever)."""
    descriptor = _descriptor()
    return descriptor is not None and bool(select.select([descriptor], [], [], seconds)[0])


def _descriptor() -> int | None:
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):  # a stand-in of some test or host program
        return None


def _read_descriptor(most: int) -> bytes:
    """Read as it comes, whether or not whoever opened it left it non-blocking."""
    descriptor = _descriptor()
    if descriptor is None:
        raise OSError("there is none")
    data = bytearray()
    while len(data) < most and ready(None):
        chunk = os.read(descriptor, min(most - len(data), _CHUNK_BYTES))
        if not chunk:
            break
        data += chunk
    return bytes(data)
