"""What others got wrong with snapshots of folders, and what hostile folders try, is not so here."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from maker.core.models import FileChanges
from maker.workspace import places
from maker.workspace.folder_trees import FolderWorkspace, Limits
from maker.workspace.trees import TreeError


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *identity, "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a commit, something staged, something stashed, something new."""
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "topic")
    (folder / ".gitignore").write_text("built/\n*.log\n")
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text(f"{name}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    (folder / "a.py").write_text("stashed\n")
    git(folder, "stash", "-q")
    (folder / "b.py").write_text("staged\n")
    git(folder, "add", "b.py")
    (folder / "c.py").write_text("not staged\n")
    (folder / "new").write_text("not tracked\n")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def copying(folder: Path, home: Path) -> FolderWorkspace:
    return FolderWorkspace(folder, home, isolate="copy")


def worked(workspace: FolderWorkspace, work: Callable[[Path], object]) -> FileChanges:
    branch = workspace.branch(workspace.tree(), "sample")
    assert branch.kind != "off", branch.reason
    assert branch.seen is not None
    try:
        work(branch.seen)
        return workspace.changes(branch)
    finally:
        workspace.discard(branch)


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time and content of all below the folder, git's own included."""
    seen = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top, name)
            status = path.lstat()
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            seen[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, digest)
    return seen


def test_the_users_repository_stays_as_it_is_but_for_the_applied_paths(
    folder: Path, home: Path
) -> None:
    before = everything(folder)
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    assert everything(folder) == before
    workspace.apply(changes)
    after = everything(folder)
    assert {path for path in before | after if before.get(path) != after.get(path)} == {"a.py"}


def test_uncommitted_and_untracked_work_is_in_a_branch(folder: Path, home: Path) -> None:
    workspace = copying(folder, home)
    branch = workspace.branch(workspace.tree(), "sample")
    assert (branch.folder / "c.py").read_text() == "not staged\n"
    assert (branch.folder / "new").read_text() == "not tracked\n"
    assert git(branch.folder, "status", "--porcelain") == "M  b.py\n M c.py\n?? new\n"
    assert git(branch.folder, "log", "--format=%s", "-1") == "Begin\n"
    workspace.discard(branch)


def test_abandoned_parts_are_swept_and_what_is_kept_has_a_limit(folder: Path, home: Path) -> None:
    workspace = FolderWorkspace(folder, home, isolate="copy", limits=Limits(kept_bytes=10_000))
    with pytest.raises(TreeError, match="more than"):
        worked(workspace, lambda place: (place / "big").write_bytes(os.urandom(20_000)))
    assert workspace.size() < 10_000
    assert not list(home.rglob("*.part"))
    assert list((home / "branches").rglob("*.py")) == []


def test_a_store_within_the_folder_is_no_part_of_its_trees(folder: Path) -> None:
    home = folder / ".state" / "maker"
    workspace = copying(folder, home)
    first = workspace.tree()
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    assert changes.paths == ("a.py",)
    assert workspace.tree() == first


def test_a_nested_repository_without_a_commit_is_a_link_and_hinders_nothing(
    folder: Path, home: Path
) -> None:
    workspace = copying(folder, home)
    without = workspace.tree()
    (folder / "nested").mkdir()
    git(folder / "nested", "init", "-q")
    (folder / "nested" / "file").write_text("1\n")
    tree = workspace.tree()
    assert tree != without
    (folder / "nested" / "file").write_text("2\n")
    assert workspace.tree() == tree

    def work(place: Path) -> None:
        (place / "nested" / "file").write_text("3\n")
        (place / "a.py").write_text("2\n")

    changes = worked(workspace, work)
    assert (changes.paths, changes.withheld) == (("a.py",), ("nested/file",))
    workspace.apply(changes)
    assert (folder / "nested" / "file").read_text() == "2\n"


def test_an_undo_touches_only_the_paths_that_differ_and_no_mtime_of_others(
    folder: Path, home: Path
) -> None:
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    workspace.apply(changes)
    (folder / "c.py").write_text("other people's work\n")
    before = everything(folder)
    workspace.undo(changes)
    after = everything(folder)
    assert {path for path in before | after if before.get(path) != after.get(path)} == {"a.py"}


def test_rules_of_what_is_ignored_that_cannot_be_read_are_an_error(
    folder: Path, home: Path
) -> None:
    (folder / ".gitignore").write_bytes(b"#" * 2_000_000)
    with pytest.raises(TreeError, match="ignored is not known"):
        copying(folder, home).tree()


def test_a_linked_worktree_is_the_tree_that_lies_there(folder: Path, home: Path) -> None:
    linked = folder.parent / "linked"
    git(folder, "worktree", "add", "-q", str(linked))
    (linked / "only-here").write_text("1\n")
    before = everything(folder)
    workspace = copying(linked, home)
    branch = workspace.branch(workspace.tree(), "sample")
    assert sorted(path.name for path in branch.folder.iterdir()) == [
        *(".gitignore", "a.py", "b.py", "c.py", "only-here"),
    ]
    (branch.folder / "a.py").write_text("2\n")
    changes = workspace.changes(branch)
    workspace.discard(branch)
    workspace.apply(changes)
    assert (linked / "a.py").read_text() == "2\n"
    assert everything(folder) == before


def test_what_a_command_changed_is_known_and_taken_back_like_any_edit(
    folder: Path, home: Path
) -> None:
    workspace = copying(folder, home)

    def work(place: Path) -> None:
        subprocess.run(["sh", "-c", "rm a.py; echo 2 >b.py; echo 3 >d.py"], cwd=place, check=True)

    before = everything(folder)
    changes = worked(workspace, work)
    workspace.apply(changes)
    assert not (folder / "a.py").exists()
    workspace.undo(changes)
    assert {path: (seen[0], seen[2]) for path, seen in everything(folder).items()} == {
        path: (seen[0], seen[2]) for path, seen in before.items()
    }
    assert not (folder / "d.py").exists()


def test_a_commit_in_a_branch_is_withheld_and_asking_git_is_not(folder: Path, home: Path) -> None:
    workspace = copying(folder, home)
    assert worked(workspace, lambda place: git(place, "status")).withheld == ()
    changes = worked(workspace, lambda place: git(place, "commit", "-q", "-m", "Agent's"))
    assert ".git/refs/heads/topic" in changes.withheld
    assert changes.entries == ()


def test_no_program_that_a_repository_names_is_run(folder: Path, home: Path) -> None:
    trap = folder.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {folder.parent}/sprung\ncat\n")
    trap.chmod(0o755)
    settings_of_trap = f"""
[core]
    fsmonitor = {trap}
    hooksPath = {folder.parent}
[filter "trap"]
    clean = {trap}
    smudge = {trap}
    process = {trap}
"""
    with (folder / ".git" / "config").open("a") as config:
        config.write(settings_of_trap)
    (folder / ".gitattributes").write_text("* filter=trap text eol=crlf\n")
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "a.py").write_bytes(b"x\r\ny\n"))
    workspace.apply(changes)
    assert (folder / "a.py").read_bytes() == b"x\r\ny\n"
    workspace.undo(changes)
    assert not (folder.parent / "sprung").exists()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_the_users_index_has_no_say_in_what_a_file_holds(
    folder: Path, home: Path, flag: str
) -> None:
    git(folder, "update-index", flag, "a.py")
    git(folder, "update-index", "--split-index")
    workspace = copying(folder, home)
    first = workspace.tree()
    (folder / "a.py").write_text("really\n")
    assert workspace.tree() != first


def test_a_git_file_that_points_elsewhere_is_not_followed_into_a_copy(
    folder: Path, home: Path, tmp_path: Path
) -> None:
    (folder / ".git").rename(tmp_path / "elsewhere")
    (folder / ".git").write_text(f"gitdir: {tmp_path / 'elsewhere'}\n")
    before = everything(tmp_path / "elsewhere")
    workspace = copying(folder, home)
    branch = workspace.branch(workspace.tree(), "sample")
    assert not (branch.folder / ".git").exists()
    workspace.discard(branch)
    assert everything(tmp_path / "elsewhere") == before


def test_nothing_is_written_through_a_link_that_leads_out(folder: Path, home: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs\n")
    (folder / "pack").mkdir()
    (folder / "pack" / "file").write_text("1\n")
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "pack" / "file").write_text("2\n"))
    (folder / "pack" / "file").unlink()
    (folder / "pack").rmdir()
    (folder / "pack").symlink_to(outside)
    assert workspace.apply(changes).conflicts == ("pack/file",)
    assert (outside / "file").read_text() == "theirs\n"


def test_a_path_that_leads_out_is_refused(folder: Path, home: Path) -> None:
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    bad = replace(changes, entries=(replace(changes.entries[0], path="../a.py"),))
    with pytest.raises(TreeError, match="no path in a folder"):
        workspace.apply(bad)


def test_ignored_files_are_there_in_a_branch_and_their_changes_are_carried_over(
    folder: Path, home: Path
) -> None:
    (folder / "built").mkdir()
    (folder / "built" / "old").write_text("1\n")
    workspace = copying(folder, home)

    def work(place: Path) -> None:
        assert (place / "built" / "old").read_text() == "1\n"
        (place / "built" / "new").write_text("2\n")
        (place / "x.log").write_text("3\n")

    changes = worked(workspace, work)
    assert [(entry.path, entry.ignored, entry.size) for entry in changes.entries] == [
        ("built/new", True, 2),
        ("x.log", True, 2),
    ]
    workspace.apply(changes)
    assert (folder / "built" / "new").read_text() == "2\n"
    undone = workspace.undo(changes)
    assert (undone.paths, undone.left) == ((), ("built/new", "x.log"))


def test_a_folder_too_large_to_copy_is_off_and_says_so(folder: Path, home: Path) -> None:
    (folder / "big").write_bytes(bytes(100_000))
    workspace = FolderWorkspace(folder, home, isolate="copy", limits=Limits(copy_bytes=50_000))
    branch = workspace.branch(workspace.tree(), "sample")
    if not places.can_clone(home):
        assert branch.kind == "off"
        assert "a copy would take" in branch.reason


def test_a_patch_is_one_that_git_applies(folder: Path, home: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    subprocess.run(["cp", "-a", folder, target], check=True)
    workspace = copying(folder, home)

    def work(place: Path) -> None:
        (place / "a.py").write_text("no end")
        (place / "b.py").unlink()
        (place / "c.py").chmod(0o755)
        (place / "bin").write_bytes(bytes(range(256)) * 9)
        (place / "sp ace\té").write_text("1\n2\n")
        (place / "new").unlink()
        (place / "new").symlink_to("a.py")

    changes = worked(workspace, work)
    (tmp_path / "patch").write_text(workspace.patch(changes))
    git(target, "apply", str(tmp_path / "patch"))
    workspace.apply(changes)
    ours, theirs = (
        {path: (seen[0] & 0o120100, seen[2]) for path, seen in everything(place).items()}
        for place in (folder, target)
    )
    assert {path: seen for path, seen in ours.items() if not path.startswith(".git/")} == {
        path: seen for path, seen in theirs.items() if not path.startswith(".git/")
    }


def test_a_file_changed_within_one_tick_of_the_clock_is_noticed(folder: Path, home: Path) -> None:
    workspace = copying(folder, home)
    first = workspace.tree()
    times = (folder / "a.py").stat()
    (folder / "a.py").write_text("A.py\n")
    os.utime(folder / "a.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert workspace.tree() != first


def test_a_damaged_memory_of_digests_is_forgotten(folder: Path, home: Path) -> None:
    later = time.time_ns() + 10**12
    workspace = FolderWorkspace(folder, home, now_ns=lambda: later)
    first = workspace.tree()
    for file in (home / "digests").iterdir():
        file.write_bytes(file.read_bytes()[:-3] + b"xxx")
    assert workspace.tree() == first


def test_a_damaged_content_is_never_applied(folder: Path, home: Path) -> None:
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    for file in (home / "contents").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    before = everything(folder)
    with pytest.raises(TreeError, match="damaged"):
        workspace.apply(changes)
    assert everything(folder) == before


def test_a_large_file_is_kept_only_if_it_is_changed(folder: Path, home: Path) -> None:
    with (folder / "large").open("wb") as file:
        file.truncate(100 * 2**20)
    workspace = FolderWorkspace(folder, home, isolate="copy")
    changes = worked(workspace, lambda place: (place / "a.py").write_text("2\n"))
    assert workspace.size() < 100_000

    def append(place: Path) -> None:
        with (place / "large").open("ab") as file:
            file.write(b"x")

    more = worked(workspace, append)
    assert [(entry.path, entry.size) for entry in more.entries] == [("large", 100 * 2**20 + 1)]
    workspace.apply(changes)
    workspace.apply(more)
    assert (folder / "large").stat().st_size == 100 * 2**20 + 1


def test_what_a_sparse_checkout_left_out_is_neither_in_the_tree_nor_removed(
    folder: Path, home: Path
) -> None:
    git(folder, "update-index", "--skip-worktree", "a.py")
    (folder / "a.py").unlink()
    before = git(folder, "status", "--porcelain")
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "b.py").write_text("2\n"))
    assert changes.paths == ("b.py",)
    workspace.apply(changes)
    workspace.undo(changes)
    assert git(folder, "status", "--porcelain") == before


def test_a_pointer_to_a_large_file_is_the_text_that_lies_there(folder: Path, home: Path) -> None:
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (folder / "x.bin").write_text("version https://git-lfs.github.com/spec/v1\nsize 7\n")
    workspace = copying(folder, home)
    changes = worked(workspace, lambda place: (place / "x.bin").write_bytes(b"content"))
    workspace.apply(changes)
    assert (folder / "x.bin").read_bytes() == b"content"
    workspace.undo(changes)
    assert (folder / "x.bin").read_text().startswith("version https://git-lfs")


NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..", b".git")
)
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    st.tuples(st.binary(max_size=30), st.sampled_from([0o644, 0o755, 0o600]), st.booleans()),
    max_size=8,
)


def write(folder: Path, files: dict[tuple[bytes, ...], tuple[bytes, int, bool]]) -> None:
    """Write what can be written: a name may be a file's or a folder's, not both."""
    for parts, (content, mode, is_link) in files.items():
        path = Path(os.fsdecode(b"/".join([os.fsencode(folder), *parts])))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_link and content.replace(b"\0", b""):
                path.symlink_to(os.fsdecode(content.replace(b"\0", b"")))
            elif not path.is_symlink():
                path.write_bytes(content)
                path.chmod(mode)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


def shape(folder: Path) -> dict[bytes, tuple[int, bytes]]:
    """What lies there byte for byte, as seen by other means than ours."""
    seen = {}
    for top, _, names in os.walk(os.fsencode(folder)):
        for name in [*names, *(n for n in os.listdir(top) if os.path.islink(top + b"/" + n))]:  # noqa: PTH208, PTH114
            path = top + b"/" + name
            mode = os.lstat(path).st_mode
            full = Path(os.fsdecode(path))
            target = os.fsencode(os.readlink(full)) if stat.S_ISLNK(mode) else b""  # noqa: PTH115
            content = target or full.read_bytes()
            seen[path[len(os.fsencode(folder)) :]] = (mode, content)
    return seen


@example({(b"link",): (b"a/", 0o644, True), (b"b",): (b".//x/./", 0o644, True)}, {})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, FILES)
def test_a_branch_is_the_folder_byte_for_byte_and_so_is_what_is_applied_and_undone(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[tuple[bytes, ...], tuple[bytes, int, bool]],
    second: dict[tuple[bytes, ...], tuple[bytes, int, bool]],
) -> None:
    top = tmp_path_factory.mktemp("generated")
    folder = top / "work"
    folder.mkdir()
    write(folder, first)
    began = shape(folder)
    workspace = copying(folder, top / "home")
    branch = workspace.branch(workspace.tree(), "sample")
    assert shape(branch.folder) == began
    for parts in list(first)[::2]:
        path = Path(os.fsdecode(b"/".join([os.fsencode(branch.folder), *parts])))
        if path.is_symlink() or path.is_file():
            path.unlink()
    write(branch.folder, second)
    became = shape(branch.folder)
    changes = workspace.changes(branch)
    workspace.discard(branch)
    assert workspace.apply(changes).conflicts == ()
    assert shape(folder) == became
    assert workspace.undo(changes).conflicts == ()
    assert shape(folder) == began
