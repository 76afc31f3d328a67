"""What answers say of files, held against real files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from maker.core.checking import Claim
from maker.workspace.evidence import refuted_by_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "a.py").write_text("import os\n\n\ndef main():\n    return  1\n")
    (work / "empty").write_text("")
    (work / "notes.txt").write_text("one\ntwo")
    (tmp_path / "secret.txt").write_text("password")
    return work


def refuted(folder: Path, *claims: Claim, named_paths: Sequence[str] = ()) -> list[str]:
    return refuted_by_files(claims, [str(folder)], named_paths)


def path(value: str) -> Claim:
    return Claim(where="file", evidence="path", value=value)


def line(value: int, of: object) -> Claim:
    return Claim(where="line", evidence="line", value=value, of=of)


def quote(value: str, of: object) -> Claim:
    return Claim(where="code", evidence="quote", value=value, of=of)


@pytest.mark.parametrize("name", ["src/a.py", "./src/a.py", "src", "src/", "src/../notes.txt", "."])
def test_a_path_below_the_working_folder_holds(folder: Path, name: str) -> None:
    assert refuted(folder, path(name)) == []
    assert refuted(folder, path(str(folder / name))) == []


@pytest.mark.parametrize(
    "name", ["src/b.py", "a.py", "src/a.py:4", "`src/a.py`", "", "  ", "x\0y", "x" * 5000]
)
def test_a_path_that_was_made_up_is_refuted_with_its_name(folder: Path, name: str) -> None:
    assert len(refuted(folder, path(name))) == 1


def test_what_lies_outside_is_not_looked_at_by_name_or_through_a_link(folder: Path) -> None:
    (folder / "out").symlink_to(folder.parent / "secret.txt")
    outside = str(folder.parent / "secret.txt")
    for name in (outside, "../secret.txt", "out"):
        assert refuted(folder, path(name)) == [f"file: {name} does not exist in the working folder"]
        assert "does not exist" in refuted(folder, quote("password", name))[0]


def test_an_added_folder_and_what_the_instruction_names_may_be_cited(folder: Path) -> None:
    outside = str(folder.parent / "secret.txt")
    assert refuted(folder, path(outside), named_paths=(outside,)) == []
    claims = [path("../notes.txt"), path("a.py")]
    assert refuted_by_files(claims, [str(folder / "src"), str(folder)]) == []


@pytest.mark.parametrize(
    ("number", "name", "holds"),
    [
        (1, "src/a.py", True),
        (5, "src/a.py", True),
        (6, "src/a.py", False),
        (0, "src/a.py", False),
        (-1, "src/a.py", False),
        (2, "notes.txt", True),
        (3, "notes.txt", False),
        (1, "empty", False),
        (1, "src", False),
        (1, "nowhere", False),
        (1, None, False),
        (1, "", False),
    ],
)
def test_a_line_is_one_that_the_file_has(
    folder: Path, number: int, name: str | None, holds: bool
) -> None:
    assert (refuted(folder, line(number, name)) == []) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("def main():", True),
        ("def main():\n    return 1", True),
        ("import os\ndef main():", True),
        ("def main(x):", False),
        ("def Main():", False),
        ("", False),
        (" \n", False),
    ],
)
def test_a_quote_stands_there_word_for_word_whatever_its_blanks(
    folder: Path, text: str, holds: bool
) -> None:
    assert (refuted(folder, quote(text, "src/a.py")) == []) is holds


def test_the_same_letters_are_the_same_words_however_they_are_encoded(folder: Path) -> None:
    (folder / "u.txt").write_text("cafe\u0301", encoding="utf-8")
    assert refuted(folder, quote("caf\u00e9", "u.txt")) == []


def test_what_is_no_regular_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert refuted(folder, path("pipe")) == []
    assert "it is no file" in refuted(folder, quote("x", "pipe"))[0]


def test_only_the_first_few_problems_are_told(folder: Path) -> None:
    assert len(refuted(folder, *(path(f"nowhere/{number}") for number in range(100)))) == 5
