"""Patterns of .gitignore: the same verdicts as git's own, and never slow."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from maker.workspace.git.ignore import Pattern, parse_ignore, verdict

PARTS = [
    *("**", "*", "a", "b", "ab", "a*", "*b", "?", "[ab]", "[!a]", "[^b]*", "a*b", "*a*", "**a"),
    *("\\a", "[a-b]*", "[z-a]", "[a", "a]", "#", "\\#", "a b", "[]a]", "{a,b}", "a.b", "(a|b)"),
]
NAMES = ["a", "b", "ab", "aab", "ba", "c", "abb", "a.b", "#", "a]", "[a", "a b", "axb"]


def line(chance: random.Random) -> str:
    glob = "/".join(chance.choice(PARTS) for _ in range(chance.randint(1, 3)))
    start, end = (
        chance.choice(["", "", "", "!", "/", "!/"]),
        chance.choice(["", "", "/", " ", "\\ "]),
    )
    return start + glob + end


def is_ignored(patterns: list[Pattern], path: str) -> bool:
    """A file in a folder that is left out cannot be taken in again."""
    parts = path.split("/")
    decided = None
    for depth in range(1, len(parts) + 1):
        decided = verdict(patterns, parts[:depth], is_folder=depth < len(parts))
        if decided and depth < len(parts):
            break
    return bool(decided)


def test_the_verdicts_are_those_of_git(tmp_path: Path) -> None:
    chance = random.Random(7)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for _ in range(120):
        lines = [line(chance) for _ in range(chance.randint(1, 4))]
        (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
        paths = ["/".join(chance.choices(NAMES, k=chance.randint(1, 4))) for _ in range(30)]
        command = [
            "git",
            "-C",
            str(tmp_path),
            "check-ignore",
            "--no-index",
            "-v",
            "-n",
            "-z",
            "--stdin",
        ]
        told = subprocess.run(command, input="\0".join(paths).encode(), capture_output=True)
        fields = told.stdout.decode().split("\0")[:-1]
        for path, pattern in zip(paths, fields[2::4], strict=True):
            expected = bool(pattern) and not pattern.startswith("!")
            assert is_ignored(parse_ignore("\n".join(lines)), path) == expected, (lines, path)


@pytest.mark.parametrize(
    "glob", ["*a" * 240, "**/" * 160 + "b", "?" * 400, "[a-z]*" * 80, "*" * 500]
)
def test_a_hostile_pattern_is_as_quick_as_any(glob: str) -> None:
    patterns = parse_ignore(f"{glob}b\n" * 50)
    assert len(patterns) == 50 or len(glob) >= 500
    began = time.process_time()
    verdict(patterns, ["a" * 250] * 15, is_folder=True)
    assert time.process_time() - began < 1
