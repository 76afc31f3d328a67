"""A repository is read as git would read it, and nothing that it names is run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maker.workspace.brief import describe_workspace
from maker.workspace.git import folder as folders
from maker.workspace.git.folder import git_folder
from maker.workspace.git.index import UnreadableIndex, read_index

IDENTITY = [
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@example.org",
    "-c",
    "protocol.file.allow=always",
]


def git(folder: Path, *arguments: object) -> str:
    command = ["git", *IDENTITY, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def write(folder: Path, *names: str, text: str = "x\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def made(folder: Path, *options: str) -> Path:
    """A repository with some committed files."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "topic", *options)
    write(folder, "a.py", "b.py", "pack/c.py", "pack/deep/d.py", "é/ü.txt", ".hidden")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return made(tmp_path / "work")


def as_git_says(folder: Path) -> tuple[str, list[str], int]:
    """Branch, files, and how many differ from the index, asked of git itself."""
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    files = [path for path in listed.split("\0") if path and os.path.lexists(folder / path)]
    status = git(folder, "status", "--porcelain=v1", "-z", "-uall", "--no-renames", "--", ".")
    marks = [line[:2] for line in status.split("\0") if line]
    return (
        git(folder, "branch", "--show-current").strip(),
        sorted(set(files)),
        sum(mark[1] != " " for mark in marks),
    )


def as_we_say(folder: Path) -> tuple[str, list[str], int | None]:
    found = git_folder(folder)
    assert found is not None
    return found.branch, sorted(found.files), found.changed


def disturb(folder: Path) -> None:
    """Every kind of change that does not need the index."""
    write(folder, "a.py", text="changed and longer\n")
    write(folder, "b.py", text="y\n")
    write(folder, "new.py", "pack/new/e.py", "ignored/f.py", "pack/keep.log", "pack/g.log")
    write(folder, ".gitignore", text="ignored/\n*.log\n")
    write(folder, "pack/.gitignore", text="!keep.log\n")
    (folder / "pack/c.py").unlink()
    (folder / "link").symlink_to("a.py")


@pytest.mark.parametrize("version", [2, 3, 4])
def test_branch_files_and_changes_are_those_that_git_gives(repository: Path, version: int) -> None:
    git(repository, "update-index", "--index-version", version)
    assert as_we_say(repository) == as_git_says(repository)
    disturb(repository)
    assert as_we_say(repository) == as_git_says(repository)
    assert as_we_say(repository / "pack") == as_git_says(repository / "pack")
    assert as_we_say(repository / "ignored")[1] == ["f.py"]
    git(repository, "add", "-N", "new.py")
    git(repository, "update-index", "--assume-unchanged", "a.py")
    assert as_we_say(repository) == as_git_says(repository)


def test_a_repository_with_longer_hashes_is_read(tmp_path: Path) -> None:
    repository = made(tmp_path / "long", "--object-format=sha256")
    disturb(repository)
    assert as_we_say(repository) == as_git_says(repository)


def test_a_file_that_was_only_touched_is_not_changed(repository: Path) -> None:
    os.utime(repository / "a.py", (1, 1))
    assert as_we_say(repository)[2] == 0
    write(repository, "b.py", text="y\n")
    os.utime(repository / "b.py", (1, 1))
    assert as_we_say(repository)[2] == 1


def test_a_change_right_after_staging_is_seen_although_size_and_time_are_the_same(
    repository: Path,
) -> None:
    status = (repository / "a.py").stat()
    write(repository, "a.py", text="z\n")
    os.utime(repository / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(repository / ".git/index", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert as_we_say(repository)[2] == 1


def test_a_conflict_a_detached_head_a_worktree_and_a_submodule_are_read(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "checkout", "-q", "-b", "other")
    write(repository, "a.py", text="theirs\n")
    git(repository, "commit", "-q", "-a", "-m", "Theirs")
    git(repository, "checkout", "-q", "topic")
    write(repository, "a.py", text="ours\n")
    git(repository, "commit", "-q", "-a", "-m", "Ours")
    git(repository, "worktree", "add", "-q", tmp_path / "tree", "other")
    write(tmp_path / "tree", "new.py")
    assert as_we_say(tmp_path / "tree") == as_git_says(tmp_path / "tree")
    inner = made(tmp_path / "inner")
    git(repository, "submodule", "--quiet", "add", inner, "sub")
    assert as_we_say(repository) == as_git_says(repository)
    assert as_we_say(repository / "sub") == as_git_says(repository / "sub")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "-q", "other")
    assert as_we_say(repository) == as_git_says(repository)
    git(repository, "checkout", "-q", "--force", "--detach", "topic")
    assert as_we_say(repository)[0] == ""


def test_a_folder_without_an_index_or_with_one_that_is_not_understood(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q", "-b", "first")
    write(tmp_path / "empty", "a.py")
    assert as_we_say(tmp_path / "empty") == ("first", ["a.py"], 1)
    split = made(tmp_path / "split")
    git(split, "update-index", "--split-index")
    branch, files, changed = as_we_say(split)
    assert (branch, changed) == ("topic", None)
    assert "a.py" in files
    for spoiled in (b"", b"DIRC", b"x" * 5_000, b"DIRC\0\0\0\2\xff\xff\xff\xff" + bytes(90)):
        (split / ".git/index").write_bytes(spoiled)
        assert as_we_say(split)[2] is None


def test_an_index_cut_anywhere_is_refused_or_read(repository: Path) -> None:
    data = (repository / ".git/index").read_bytes()
    assert len(read_index(data)) == 6
    for size in range(len(data)):
        with pytest.raises(UnreadableIndex):
            read_index(data[:size])
        for zeros in (20, 32):  # as if hashes were left out
            try:
                read_index(data[:size] + bytes(zeros))
            except UnreadableIndex:
                continue


def test_what_would_take_too_long_is_not_known(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(repository / "a.py", (1, 1))
    monkeypatch.setattr(folders, "MOST_HASHED_BYTES", 1)
    assert as_we_say(repository)[2] is None
    write(repository, *(f"many/{n}" for n in range(30)))
    monkeypatch.setattr("maker.workspace.git.untracked.MOST_WALKED", 20)
    _, files, changed = as_we_say(repository)
    assert changed is None
    assert "a.py" in files


def test_special_files_and_links_are_not_read(repository: Path, tmp_path: Path) -> None:
    write(tmp_path, "secret", text="*.py\n")
    (repository / "pack/.gitignore").symlink_to(tmp_path / "secret")
    (repository / "a.py").unlink()
    os.mkfifo(repository / "a.py")
    os.mkfifo(repository / ".gitignore")
    began = time.monotonic()
    assert as_we_say(repository)[2] is not None
    (repository / ".git/index").unlink()
    os.mkfifo(repository / ".git/index")
    assert as_we_say(repository)[2] is None
    (repository / ".git/HEAD").unlink()
    os.mkfifo(repository / ".git/HEAD")
    assert git_folder(repository) is None
    assert time.monotonic() - began < 20


_STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_started: list[str] = []
_watching = False


def _watch(event: str, arguments: object) -> None:
    if _watching and event in _STARTS:
        _started.append(event)


@pytest.fixture
def no_program() -> Iterator[None]:
    """Fails where a program is started; an audit hook sees all of them."""
    global _watching
    if not _watch.__doc__:
        sys.addaudithook(_watch)
        _watch.__doc__ = "installed"
    _started.clear()
    _watching = True
    yield
    _watching = False
    assert _started == []


def hostile(repository: Path, canary: Path) -> None:
    """Everything by which a repository can name a program."""
    run = f"touch {canary}; cat"
    hooks = repository / ".git/hooks"
    for name in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\n{run}\n")
        (hooks / name).chmod(0o755)
    settings = {
        "filter.evil.clean": run, "filter.evil.smudge": run, "filter.evil.process": run,
        "filter.evil.required": "true", "core.fsmonitor": str(hooks / "fsmonitor-watchman"),
        "core.hooksPath": str(hooks), "core.sshCommand": run, "core.pager": run,
        "pager.status": run, "pager.ls-files": run, "core.editor": run, "alias.status": f"!{run}",
        "alias.ls-files": f"!{run}", "diff.evil.textconv": run, "diff.external": run,
        "credential.helper": f"!{run}", "gpg.program": run, "core.askPass": run,
        "remote.origin.url": f"ext::sh -c '{run}'", "remote.origin.promisor": "true",
        "remote.origin.uploadpack": run, "extensions.partialClone": "origin",
        "protocol.ext.allow": "always", "submodule.sub.update": f"!{run}",
        "include.path": str(repository / "more.config"), "uploadpack.packObjectsHook": run,
    }  # fmt: skip
    for name, value in settings.items():
        git(repository, "config", name, value)
    write(repository, "more.config", text=f'[filter "evil"]\n\tclean = "{run}"\n')
    write(repository, ".gitattributes", text="* filter=evil diff=evil ident text=auto\n")
    write(repository, ".git/info/attributes", text="* filter=evil\n")


def test_nothing_that_a_repository_names_is_run(
    repository: Path, tmp_path: Path, no_program: None
) -> None:
    global _watching
    _watching = False
    inner = made(tmp_path / "inner")
    git(repository, "submodule", "--quiet", "add", inner, "sub")
    git(repository, "worktree", "add", "-q", "-b", "tree", tmp_path / "tree")
    write(repository, "a.py", "sub/a.py", text="q\n")
    write(tmp_path / "tree", "a.py", text="q\n")
    canary = tmp_path / "canary"
    hostile(repository, canary)
    git(repository / "sub", "config", "filter.evil.clean", f"touch {canary}; cat")
    write(repository / "sub", ".gitattributes", text="* filter=evil\n")
    os.utime(repository / "pack/c.py", (1, 1))
    canary.unlink(missing_ok=True)
    _watching = True
    for folder in (repository, repository / "pack", repository / "sub", tmp_path / "tree"):
        brief = describe_workspace(folder)
        assert "changed files (" in brief
        assert not canary.exists()
    _watching = False
    subprocess.run(["git", "status"], cwd=repository, capture_output=True, timeout=20)
    assert canary.exists(), "the repository is hostile indeed: git runs what it names"
