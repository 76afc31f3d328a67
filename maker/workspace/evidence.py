"""What an answer says of files, held against the files: a path, a line, words that stand there.

Only looks, and only below the folders and paths that it is given.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import assert_never

from maker.core.checking import Claim
from maker.core.text import one_line

LARGEST_FILE = 64 * 2**20
"""A larger file is not read for a line or a quote."""
MOST_PROBLEMS = 5
_LONGEST_NAME = 120


def refuted_by_files(
    claims: Iterable[Claim], folders: Sequence[str], named_paths: Sequence[str] = ()
) -> list[str]:
    """What is wrong with claims about files, the first few of them.

    Relative paths start in the first folder; a file must be below a folder, or a named path.
    """
    places = _Places(folders, named_paths)
    problems: list[str] = []
    absent = set()
    for claim in claims:
        if claim.of in absent:
            continue
        if problem := places.problem(claim):
            problems.append(f"{claim.where}: {problem}")
            absent |= {claim.value} if claim.evidence == "path" else set()
        if len(problems) == MOST_PROBLEMS:
            break
    return problems


class _Places:
    """The files that may be looked at; each is read once."""

    def __init__(self, folders: Sequence[str], named_paths: Sequence[str]) -> None:
        self._base = folders[0] if folders else ""
        self._roots = [os.path.realpath(path) for path in (*folders, *named_paths)]
        self._text = lru_cache(maxsize=4)(_text)

    def problem(self, claim: Claim) -> str:
        """What is wrong with a claim; empty where it holds."""
        try:
            return self._problem(claim)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return f"{_shown(claim.of or claim.value)} cannot be looked at: {why}"

    def _problem(self, claim: Claim) -> str:
        match claim.evidence:
            case "path":
                return "" if self._file(claim.value) else _absent(claim.value)
            case "line" | "quote":
                path = self._file(claim.of) if claim.of else None
                if path is None:
                    return "it names no file" if not claim.of else _absent(claim.of)
                text = self._text(path)
                return (
                    _wrong_line(claim, text)
                    if claim.evidence == "line"
                    else _misquoted(claim, text)
                )
            case "url" | "count":
                return ""
            case _:
                assert_never(claim.evidence)

    def _file(self, name: str) -> Path | None:
        """What the name leads to, links followed, where that is and may be looked at."""
        if not name.strip() or "\0" in name:
            return None
        path = os.path.realpath(os.path.join(self._base, name))  # noqa: PTH118 - takes any text
        is_inside = any(
            path == root or path.startswith(root.rstrip("/") + "/") for root in self._roots
        )
        return Path(path) if is_inside and os.path.lexists(path) else None


def _text(path: Path) -> str:
    """The text of a regular file. Raises ValueError for one that is not read."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no file")
    if status.st_size > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE // 2**20} MB")
    return path.read_text(encoding="utf-8", errors="replace")


def _wrong_line(claim: Claim, text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    if 1 <= claim.value <= lines:
        return ""
    return f"{_shown(claim.of)} has {lines:,} lines, there is no line {claim.value}"


def _misquoted(claim: Claim, text: str) -> str:
    words = _words(claim.value)
    if words and words in _words(text):
        return ""
    return f"these words do not stand in {_shown(claim.of)}: {_shown(claim.value)}"


def _words(text: str) -> str:
    """The text as it is compared: a quote may have other blanks and line breaks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _absent(name: str) -> str:
    return f"{_shown(name)} does not exist in the working folder"


def _shown(name: object) -> str:
    return one_line(str(name), _LONGEST_NAME)
