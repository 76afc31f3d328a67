"""What programs check of an answer before it counts: values alone; who looks is outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct

from maker.core.models import Digest

Evidence = Literal["path", "line", "quote", "url", "count"]
"""What a declared value may be proof of: a file, a place in it, its words, a page, a number."""


FUNCTION = "function:"
"""Before the name of a function of the program that uses maker as a library."""


def is_function(command: str) -> bool:
    """Whether what must accept an answer is a function of the program, and no command."""
    return command.startswith(FUNCTION)


class Claim(Struct, frozen=True, kw_only=True):
    """One value of an answer that a program can check; `of` is the value that it is about."""

    where: str
    evidence: Evidence
    value: Any
    of: Any = None


class Check(Struct, frozen=True, kw_only=True):
    """All that is checked of one answer; checking it again changes nothing.

    A file that the answer names must be in one of the folders, or be one of `named_paths` or below
    it; relative paths start in the first folder, and the commands are run there.
    """

    answer: Digest
    output: Any
    folders: tuple[str, ...]
    named_paths: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    commands: tuple[str, ...] = ()
    timeout_s: float = 600.0


class Verdict(Struct, frozen=True, kw_only=True):
    """What a check came to: without a `flag` the answer holds; `problems` say what does not."""

    flag: Literal["", "evidence", "refused"] = ""
    problems: tuple[str, ...] = ()
    duration_ms: int = 0


Checker = Callable[[Check, str], Awaitable[Verdict]]
"""Carries out a check for a session. Raises RunMustPause where that cannot be done now."""
