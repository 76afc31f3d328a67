"""A process that is killed while it puts changes in place leaves each path old or new."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_trees import Item
from fake_trees import read as contents
from maker.core.models import FileChanges
from maker.workspace.folder_trees import FolderWorkspace
from maker.workspace.placing import temporary_name

STEPS = ("rename", "unlink", "rmdir", "mkdir", "fsync", "fchmod", "symlink", "write")


def made(folder: Path, files: int) -> FolderWorkspace:
    (folder / "pack").mkdir(parents=True)
    for number in range(files):
        (folder / "pack" / f"f{number}").write_text(f"old {number}\n")
    (folder / "turned").write_text("a file\n")
    (folder / "link").symlink_to("turned")
    return FolderWorkspace(folder, folder.parent / "home", isolate="copy")


def work(place: Path, files: int) -> None:
    for number in range(0, files, 3):
        (place / "pack" / f"f{number}").write_text(f"new {number}\n")
    for number in range(1, files, 3):
        (place / "pack" / f"f{number}").unlink()
    (place / "pack" / "f2").chmod(0o755)
    (place / "turned").unlink()
    (place / "turned").mkdir()
    (place / "turned" / "inner").write_text("within\n")
    (place / "link").unlink()
    (place / "link").symlink_to("pack")


def changed(workspace: FolderWorkspace, files: int) -> tuple[FileChanges, dict[str, Item]]:
    branch = workspace.branch(workspace.tree(), "sample")
    work(branch.folder, files)
    became = contents(branch.folder)
    changes = workspace.changes(branch)
    workspace.discard(branch)
    return changes, became


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Do it in a process that is killed before its so-manieth step; whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def torn(folder: Path, before: dict[str, Item], became: dict[str, Item]) -> list[str]:
    """The paths that are neither as before nor as they shall be, but for what waits beside them."""
    return [
        path
        for path, item in contents(folder).items()
        if item not in (before.get(path), became.get(path)) and ".maker-" not in path
    ]


def survive(folder: Path, workspace: FolderWorkspace, step: int, files: int) -> bool:
    """Kill an apply at the step, finish it, kill its undo there, finish that, too."""
    before = contents(folder)
    changes, became = changed(workspace, files)
    was_killed = killed_at(step, lambda: workspace.apply(changes))
    assert torn(folder, before, became) == []
    assert workspace.look(changes) in ("none", "part", "all")
    workspace.sweep()
    names = {temporary_name(entry) for entry in changes.entries}
    assert not [path for path in folder.rglob("*") if path.name in names]
    assert workspace.apply(changes).conflicts == ()
    assert contents(folder) == became
    killed_at(step, lambda: workspace.undo(changes))
    assert torn(folder, before, became) == []
    workspace.sweep()
    assert workspace.undo(changes).conflicts == ()
    assert contents(folder) == before
    return was_killed


@pytest.mark.slow
def test_a_kill_before_any_step_leaves_each_path_old_or_new_and_the_rest_is_finished(
    tmp_path: Path,
) -> None:
    workspace = made(tmp_path / "work", 7)
    step = 0
    while survive(tmp_path / "work", workspace, step, 7):
        step += 1
    assert step > 20


@pytest.mark.storm
@pytest.mark.slow
def test_kills_anywhere_tear_nothing(tmp_path: Path) -> None:
    chance = random.Random(12)
    hits = int(os.environ.get("MAKER_STORM", "20"))
    workspace = made(tmp_path / "work", 40)
    killed = sum(
        survive(tmp_path / "work", workspace, chance.randrange(150), 40) for _ in range(hits)
    )
    assert killed > hits // 2


def test_what_a_killed_process_left_of_a_branch_is_swept_and_what_lives_is_not(
    tmp_path: Path,
) -> None:
    workspace = made(tmp_path / "work", 3)
    tree = workspace.tree()
    mine = workspace.branch(tree, "mine")
    other = FolderWorkspace(tmp_path / "work", tmp_path / "home", isolate="copy")

    def branch_and_die() -> None:
        other.branch(tree, "theirs")
        os.kill(os.getpid(), signal.SIGKILL)

    assert killed_at(10**9, branch_and_die)
    assert len(list((tmp_path / "home" / "branches").rglob("pack"))) == 2
    assert other.sweep() == 1
    assert mine.folder.is_dir()
    assert len(list((tmp_path / "home" / "branches").rglob("pack"))) == 1
    workspace.discard(mine)
