"""What every workspace keeps to: the real ones, and the fake that stands for them in tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from branches_entered import entered
from fake_trees import FakeWorkspace
from fake_trees import read as contents
from maker.core.models import FileChanges
from maker.workspace.folder_trees import FolderWorkspace
from maker.workspace.trees import (
    Applied,
    BaseChanged,
    Branch,
    BranchOpen,
    Workspace,
    path_bytes,
    path_text,
)


def fake(folder: Path, home: Path) -> Workspace:
    return FakeWorkspace(folder)


def copying(folder: Path, home: Path) -> Workspace:
    return FolderWorkspace(folder, home, isolate="copy")


def overlaid(folder: Path, home: Path) -> Workspace:
    workspace = FolderWorkspace(folder, home, isolate="overlay")
    if reason := workspace.no_overlay():
        pytest.skip(reason)
    return workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "pack").mkdir(parents=True)
    (folder / "a.py").write_text("one\ntwo\n")
    (folder / "pack" / "b.py").write_text("three\n")
    (folder / "pack" / "run").write_text("#!/bin/sh\n")
    (folder / "pack" / "run").chmod(0o755)
    (folder / "link").symlink_to("a.py")
    (folder / ".gitignore").write_text("built\n")
    (folder / "built").mkdir()
    (folder / "built" / "out").write_text("old\n")
    return folder


@pytest.fixture(params=[fake, copying, overlaid])
def workspace(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Workspace:
    made: Callable[[Path, Path], Workspace] = request.param
    return made(folder, tmp_path / "home")


def worked(workspace: Workspace, work: Callable[[Path], object]) -> FileChanges:
    """What an agent changed that did this work in a branch of its own."""
    branch = workspace.branch(workspace.tree(), "sample")
    try:
        with entered(branch) as place:
            work(place)
        return workspace.changes(branch)
    finally:
        workspace.discard(branch)


def much(place: Path) -> None:
    """Work of every kind."""
    (place / "a.py").write_text("one\n2\n")
    (place / "pack" / "b.py").unlink()
    (place / "pack" / "run").chmod(0o644)
    (place / "new").mkdir()
    (place / "new" / "c.py").write_text("four\n")
    (place / "link").unlink()
    (place / "link").symlink_to("pack/run")
    (place / "built" / "out").write_text("newer\n")


def test_a_tree_stays_the_same_as_long_as_the_folder_does(
    workspace: Workspace, folder: Path
) -> None:
    first = workspace.tree()
    assert workspace.tree() == first
    (folder / "a.py").write_text("one\n2\n")
    assert workspace.tree() != first
    (folder / "a.py").write_text("one\ntwo\n")
    assert workspace.tree() == first


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "new").write_text(""),
        lambda place: (place / "a.py").unlink(),
        lambda place: (place / "a.py").chmod(0o755),
        lambda place: (place / "a.py").rename(place / "z.py"),
        lambda place: ((place / "link").unlink(), (place / "link").symlink_to("b")),
    ],
)
def test_whatever_is_different_in_the_folder_is_another_tree(
    workspace: Workspace, folder: Path, change: Callable[[Path], object]
) -> None:
    first = workspace.tree()
    change(folder)
    assert workspace.tree() != first


def test_what_is_ignored_is_no_part_of_the_tree(workspace: Workspace, folder: Path) -> None:
    first = workspace.tree()
    (folder / "built" / "out").write_text("other\n")
    assert workspace.tree() == first


def test_a_branch_begins_as_the_folder_is_its_ignored_files_included(
    workspace: Workspace, folder: Path
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    with entered(branch) as place:
        assert contents(place) == contents(folder)
    assert workspace.changes(branch).entries == ()
    workspace.discard(branch)


def test_a_branch_of_a_tree_that_is_gone_is_refused(workspace: Workspace, folder: Path) -> None:
    tree = workspace.tree()
    (folder / "a.py").write_text("else\n")
    with pytest.raises(BaseChanged):
        workspace.branch(tree, "sample")


def test_work_in_a_branch_is_not_seen_in_the_folder(workspace: Workspace, folder: Path) -> None:
    before = contents(folder)
    worked(workspace, much)
    assert contents(folder) == before


def test_each_kind_of_change_is_told_with_its_lines_unless_it_is_ignored(
    workspace: Workspace,
) -> None:
    changes = worked(workspace, much)
    told = [(e.path, e.kind, e.lines_added, e.lines_removed, e.ignored) for e in changes.entries]
    assert told == [
        ("a.py", "changed", 1, 1, False),
        ("built/out", "changed", 0, 0, True),
        ("link", "link", 1, 1, False),
        ("new/c.py", "added", 1, 0, False),
        ("pack/b.py", "removed", 0, 1, False),
        ("pack/run", "mode", 0, 0, False),
    ]
    assert changes.paths == ("a.py", "link", "new/c.py", "pack/b.py", "pack/run")


def test_applied_changes_make_the_folder_what_the_branch_was(
    workspace: Workspace, folder: Path
) -> None:
    became: list[dict[str, object]] = []

    def work(place: Path) -> None:
        much(place)
        became.append(dict(contents(place)))

    changes = worked(workspace, work)
    assert workspace.look(changes) == "none"
    applied = workspace.apply(changes)
    assert sorted(applied.paths) == [entry.path for entry in changes.entries]
    assert contents(folder) == became[0]
    assert workspace.look(changes) == "all"


def test_changes_applied_twice_are_applied_once(workspace: Workspace, folder: Path) -> None:
    changes = worked(workspace, much)
    workspace.apply(changes)
    once = contents(folder)
    assert workspace.apply(changes).conflicts == ()
    assert contents(folder) == once


def test_where_a_path_is_no_longer_what_it_was_nothing_is_applied(
    workspace: Workspace, folder: Path
) -> None:
    changes = worked(workspace, much)
    (folder / "a.py").write_text("the user's\n")
    before = contents(folder)
    assert workspace.look(changes) == "conflict"
    assert workspace.apply(changes) == Applied(conflicts=("a.py",))
    assert contents(folder) == before


def test_what_others_change_elsewhere_is_neither_in_the_way_nor_touched(
    workspace: Workspace, folder: Path
) -> None:
    changes = worked(workspace, much)
    (folder / "other").write_text("the user's\n")
    (folder / "built" / "out").write_text("built meanwhile\n")
    assert workspace.apply(changes).conflicts == ()
    assert (folder / "other").read_text() == "the user's\n"
    assert (folder / "built" / "out").read_text() == "newer\n"


def test_nothing_is_applied_or_undone_while_a_branch_is_open(workspace: Workspace) -> None:
    changes = worked(workspace, much)
    branch = workspace.branch(workspace.tree(), "other")
    with pytest.raises(BranchOpen):
        workspace.apply(changes)
    with pytest.raises(BranchOpen):
        workspace.undo(changes)
    workspace.discard(branch)
    assert workspace.apply(changes).conflicts == ()


def test_an_undo_restores_the_very_bytes_and_modes_and_leaves_what_is_ignored(
    workspace: Workspace, folder: Path
) -> None:
    before = contents(folder)
    changes = worked(workspace, much)
    workspace.apply(changes)
    undone = workspace.undo(changes)
    assert (sorted(undone.paths), undone.conflicts) == (list(changes.paths), ())
    assert undone.left == ("built/out",)
    assert contents(folder) == {**before, "built/out": contents(folder)["built/out"]}
    assert (folder / "built" / "out").read_text() == "newer\n"


def test_an_undo_is_refused_path_by_path_where_somebody_changed_a_file_since(
    workspace: Workspace, folder: Path
) -> None:
    changes = worked(workspace, much)
    workspace.apply(changes)
    (folder / "a.py").write_text("the user's\n")
    undone = workspace.undo(changes)
    assert undone.conflicts == ("a.py",)
    assert (folder / "a.py").read_text() == "the user's\n"
    assert (folder / "pack" / "b.py").read_text() == "three\n"


def test_a_dry_undo_says_what_would_be_done_and_does_nothing(
    workspace: Workspace, folder: Path
) -> None:
    changes = worked(workspace, much)
    workspace.apply(changes)
    before = contents(folder)
    undone = workspace.undo(changes, dry_run=True)
    assert sorted(undone.paths) == list(changes.paths)
    assert contents(folder) == before


def test_attempts_that_differ_in_blanks_at_the_ends_of_lines_have_one_digest(
    workspace: Workspace,
) -> None:
    def write(text: str) -> str:
        return worked(workspace, lambda place: (place / "n").write_text(text)).digest

    assert write("x\ny\n") == write("x  \ny\n\n") != write("x\n  y\n")


def test_a_stale_branch_is_told_by_the_paths_that_are_not_what_they_were(
    workspace: Workspace, folder: Path
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    with entered(branch) as place:
        (place / "a.py").write_text("the agent's\n")
    (folder / "a.py").write_text("the user's\n")
    with pytest.raises(BaseChanged) as error:
        workspace.changes(branch)
    assert error.value.paths == ("a.py",)
    workspace.discard(branch)


def test_a_file_becomes_a_folder_and_a_folder_a_file_and_back(
    workspace: Workspace, folder: Path
) -> None:
    def work(place: Path) -> None:
        (place / "a.py").unlink()
        (place / "a.py").mkdir()
        (place / "a.py" / "inner").write_text("i\n")
        for path in (place / "pack").iterdir():
            path.unlink()
        (place / "pack").rmdir()
        (place / "pack").write_text("p\n")

    before = contents(folder)
    changes = worked(workspace, work)
    assert workspace.apply(changes).conflicts == ()
    assert (folder / "a.py" / "inner").read_text() == "i\n"
    assert (folder / "pack").read_text() == "p\n"
    assert workspace.undo(changes).conflicts == ()
    assert contents(folder) == before


def test_a_file_takes_the_place_of_folders_in_which_there_is_no_file(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "empty" / "deep" / "deeper").mkdir(parents=True)

    def work(place: Path) -> None:
        shutil.rmtree(place / "empty")
        (place / "empty").write_text("e\n")

    changes = worked(workspace, work)
    assert workspace.apply(changes).conflicts == ()
    assert (folder / "empty").read_text() == "e\n"


def test_odd_names_are_carried_as_they_are(workspace: Workspace, folder: Path) -> None:
    names = [b"new\nline", b"\xff\xfe", b"back\\x41slash", "é".encode(), b" ", b"-rf"]

    def work(place: Path) -> None:
        for name in names:
            Path(os.fsdecode(os.path.join(os.fsencode(place), name))).write_bytes(name)  # noqa: PTH118

    changes = worked(workspace, work)
    assert sorted(map(path_bytes, changes.paths)) == sorted(names)
    assert all(path.encode() for path in changes.paths)
    workspace.apply(changes)
    for name in names:
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), name)))  # noqa: PTH118
        assert path.read_bytes() == name


def test_a_path_has_one_text_and_a_text_one_path() -> None:
    for path in (b"plain", b"\xff", b"\\xff", b"a\\b", "ü\n".encode(), bytes(range(1, 256))):
        assert path_bytes(path_text(path)) == path


def test_a_branch_is_discarded_twice_as_well_as_once(workspace: Workspace) -> None:
    branch: Branch = workspace.branch(workspace.tree(), "sample")
    workspace.discard(branch)
    workspace.discard(branch)
    assert branch.seen is not None
    assert not branch.seen.exists()


def test_contents_that_nobody_needs_are_pruned_and_the_others_stay(
    workspace: Workspace, folder: Path
) -> None:
    changes = worked(workspace, much)
    worked(workspace, lambda place: (place / "big").write_bytes(os.urandom(10_000)))
    full = workspace.size()
    assert workspace.prune(changes.contents) >= 10_000
    assert workspace.size() <= full - 10_000
    workspace.apply(changes)
    assert (folder / "new" / "c.py").read_text() == "four\n"
