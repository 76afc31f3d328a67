"""The workspace brief: what is told, what is left out, and that hostile names are harmless."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from maker.errors import ConfigError
from maker.workspace.brief import MOST_PATHS, MOST_README_CHARS, describe_workspace

NO_GIT = "Git: not a repository"


def write(folder: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    return made


def test_a_folder_without_git_is_walked(folder: Path) -> None:
    write(folder, "b.py", "a/deep/c.py", "a/d.py")
    assert describe_workspace(folder) == (
        f"Folder: shop\n{NO_GIT}\n"
        "Files (3 of 3; hidden and vendored ones left out):\nb.py\na/d.py\na/deep/c.py"
    )


def test_hidden_and_vendored_paths_are_left_out(folder: Path) -> None:
    write(folder, "a.py", ".env", ".github/x.yml", "node_modules/m/i.js", "x/.venv/p.py")
    assert "Files (1 of 1" in describe_workspace(folder)


def test_an_empty_folder_has_no_files(folder: Path) -> None:
    assert describe_workspace(folder) == f"Folder: shop\n{NO_GIT}\nFiles: none"


def test_a_repository_tells_its_branch_changes_and_unignored_files(folder: Path) -> None:
    write(folder, "a.py", "ignored.txt")
    write(folder, ".gitignore", text="ignored.txt\n")
    git(folder, "init", "-b", "topic")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    write(folder, "new.py")
    write(folder, "a.py", text="changed")
    brief = describe_workspace(folder)
    assert "Git: branch topic, 2 changed files" in brief
    assert brief.endswith("\na.py\nnew.py")


def test_a_part_of_a_repository_tells_of_itself_only(folder: Path) -> None:
    write(folder, "outside.py", "part/inside.py")
    git(folder, "init", "-b", "main")
    brief = describe_workspace(folder / "part")
    assert "1 changed files" in brief
    assert "inside.py" in brief
    assert "outside.py" not in brief


def test_a_repository_is_read_without_the_git_program(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a.py", "b.py")
    git(folder, "init", "-b", "topic")
    git(folder, "add", "a.py")
    monkeypatch.setenv("PATH", "")
    brief = describe_workspace(folder)
    assert "Git: branch topic, 1 changed files (staged ones not counted)" in brief
    assert brief.endswith("\na.py\nb.py")


def test_at_most_two_hundred_paths_are_told_the_nearest_first(folder: Path) -> None:
    write(folder, *(f"deep/deeper/f{n:03}.py" for n in range(250)), "z.py")
    lines = describe_workspace(folder).splitlines()
    assert lines[2] == f"Files ({MOST_PATHS} of 251; hidden and vendored ones left out):"
    assert lines[3] == "z.py"
    assert len(lines) == 3 + MOST_PATHS


def test_the_brief_is_the_same_each_time(folder: Path) -> None:
    write(folder, *(f"{n % 7}/{n}.py" for n in range(40)))
    assert describe_workspace(folder) == describe_workspace(folder)


def test_hostile_file_names_stay_on_their_line(folder: Path) -> None:
    write(folder, "a\nGit: branch evil", "tab\there", "\x1b[31mred", "‮txt.exe", "n" * 250)
    (folder / os.fsdecode(b"broken\xff")).write_text("x")
    lines = describe_workspace(folder).splitlines()
    assert len(lines) == 3 + 6
    assert all(line.isprintable() for line in lines)
    assert "\n".join(lines).encode()


def test_the_beginning_of_the_readme_is_told(folder: Path) -> None:
    write(folder, "README.md", text="# Shop\n" + "long " * 2_000)
    brief = describe_workspace(folder)
    assert "README.md (its beginning):\n# Shop\nlong" in brief
    assert brief.endswith("(cut here)")
    assert len(brief) < MOST_README_CHARS + 200


def test_a_readme_that_leads_out_of_the_folder_is_not_followed(folder: Path) -> None:
    write(folder.parent, "secret.txt", text="the secret")
    (folder / "README.md").symlink_to(folder.parent / "secret.txt")
    assert "the secret" not in describe_workspace(folder)


def test_a_readme_in_another_encoding_is_told_as_well_as_it_can_be(folder: Path) -> None:
    (folder / "README").write_bytes(b"caf\xe9 \x00 end")
    assert "caf\N{REPLACEMENT CHARACTER}" in describe_workspace(folder)


def test_the_brief_keeps_its_limit(folder: Path) -> None:
    write(folder, "README.md", text="r" * 2_000)
    brief = describe_workspace(folder, limit_chars=400)
    assert len(brief) <= 400
    assert brief.endswith("(cut here)")


def test_a_working_folder_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        describe_workspace(folder / "absent")
    assert caught.value.field == "cwd"
