"""An overlay is the folder for what is started in it, and nothing for everybody else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from branches_entered import entered
from fake_trees import read as contents
from maker.workspace import overlays
from maker.workspace.branch_view import real_path
from maker.workspace.folder_trees import FolderWorkspace
from maker.workspace.trees import Branch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a, odd: name\\"
    (folder / "pack" / "deep").mkdir(parents=True)
    (folder / "a").write_text("1\n")
    (folder / "pack" / "b").write_text("2\n")
    (folder / "pack" / "deep" / "c").write_text("3\n")
    return folder


@pytest.fixture
def workspace(folder: Path, tmp_path: Path) -> FolderWorkspace:
    workspace = FolderWorkspace(folder, tmp_path / "home")
    if reason := workspace.no_overlay():
        pytest.skip(reason)
    return workspace


def run(branch: Branch, script: str, cwd: Path | None = None) -> str:
    command = [*branch.wrapper, "/bin/sh", "-c", script]
    done = subprocess.run(
        command, cwd=cwd or branch.folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_command_sees_the_folder_at_its_path_and_its_writing_stays_in_the_branch(
    workspace: FolderWorkspace, folder: Path
) -> None:
    before = contents(folder)
    branch = workspace.branch(workspace.tree(), "sample")
    assert (branch.kind, branch.folder) == ("overlay", folder)
    assert run(branch, "pwd; cat a; echo 4 >a") == f"{folder}\n1\n"
    assert run(branch, "cat a") == "4\n"
    assert run(branch, "echo 5 >d", cwd=folder / "pack") == ""
    assert contents(folder) == before
    assert workspace.changes(branch).paths == ("a", "pack/d")
    workspace.discard(branch)


def test_what_an_agent_starts_cannot_take_the_layer_away(
    workspace: FolderWorkspace, folder: Path
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    run(branch, 'umount -l "$PWD" 2>/dev/null; cd "$PWD" && echo 4 >a')
    assert (folder / "a").read_text() == "1\n"
    workspace.discard(branch)


def test_a_folder_that_is_made_anew_hides_what_was_in_it(
    workspace: FolderWorkspace, folder: Path
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    run(branch, "rm -r pack && mkdir -p pack/deep && echo 3 >pack/deep/c && echo 4 >pack/d")
    changes = workspace.changes(branch)
    assert [(entry.path, entry.kind) for entry in changes.entries] == [
        ("pack/b", "removed"),
        ("pack/d", "added"),
    ]
    workspace.discard(branch)


def test_a_folder_that_is_renamed_is_removed_and_added(workspace: FolderWorkspace) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    run(branch, "mv pack moved")
    changes = workspace.changes(branch)
    workspace.discard(branch)
    assert [(entry.path, entry.kind) for entry in changes.entries] == [
        ("moved/b", "added"),
        ("moved/deep/c", "added"),
        ("pack/b", "removed"),
        ("pack/deep/c", "removed"),
    ]


def test_a_file_that_is_touched_or_written_anew_with_the_same_bytes_is_no_change(
    workspace: FolderWorkspace,
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    run(branch, "touch a; cp pack/b x; rm pack/b; mv x pack/b")
    assert workspace.changes(branch).entries == ()
    workspace.discard(branch)


def test_a_home_within_the_folder_makes_copies_and_says_why(folder: Path) -> None:
    workspace = FolderWorkspace(folder, folder / "home")
    branch = workspace.branch(workspace.tree(), "sample")
    assert branch.kind == "copy"
    assert "home lies in the folder" in branch.reason
    workspace.discard(branch)


def test_where_no_layer_can_be_mounted_the_reason_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(place: Path, folder: Path) -> tuple[str, ...]:
        (place / "upper").mkdir()
        return ("/bin/sh", "-c", "echo 'unshare: Operation not permitted' >&2; exit 1")

    monkeypatch.setattr(overlays, "prepare", refuse)
    workspace = FolderWorkspace(folder, tmp_path / "home")
    branch = workspace.branch(workspace.tree(), "sample")
    assert branch.kind == "copy"
    assert branch.reason == "no overlay can be mounted: unshare: Operation not permitted"
    workspace.discard(branch)
    only = FolderWorkspace(folder, tmp_path / "home", isolate="overlay")
    assert only.branch(only.tree(), "sample").kind == "off"


def test_a_write_is_probed_and_leaves_nothing(
    workspace: FolderWorkspace, folder: Path, tmp_path: Path
) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["a", "pack"]
    assert not list((tmp_path / "home").rglob("probe-*"))


def test_a_branch_of_a_folder_for_root_and_for_others_gives_no_more_rights(
    workspace: FolderWorkspace,
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    status = run(branch, "cat /proc/self/status")
    capabilities = int(status.partition("CapEff:")[2].split()[0], 16)
    assert not capabilities & 1 << 21, "CAP_SYS_ADMIN, by which mounts are changed"
    workspace.discard(branch)


def test_what_is_started_sees_a_branch_after_another_was_in_it(
    workspace: FolderWorkspace,
) -> None:
    branch = workspace.branch(workspace.tree(), "sample")
    with entered(branch) as place:
        (place / "a").write_text("4\n")
        shutil.rmtree(place / "pack")
    assert run(branch, "cat a; ls") == "4\na\n"
    workspace.discard(branch)


def test_a_path_leads_where_it_leads_for_what_runs_in_the_branch(
    workspace: FolderWorkspace, folder: Path
) -> None:
    (folder / "gone").symlink_to("/etc")
    branch = workspace.branch(workspace.tree(), "sample")
    run(
        branch,
        "ln -s /etc out; ln -s pack/deep in; rm -r pack; mkdir -p pack/deep; ln -s ../../../up "
        "pack/deep/c; rm gone; mkdir gone; ln -s loop loop",
    )
    for path in ("out/passwd", "in/c", "in/d", "a", "pack/../a", "gone/x", "new/file", "/etc/../x"):
        asked = run(branch, f"realpath -m {path}").rstrip("\n")
        assert real_path(branch, path) == asked, path
    with pytest.raises(OSError, match="too many links"):
        real_path(branch, "loop")
    workspace.discard(branch)


@pytest.mark.parametrize("name", ["linked", "repository/below"])
def test_git_that_lies_elsewhere_can_be_asked_and_not_changed(tmp_path: Path, name: str) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    script = """
        git init -q && mkdir below && echo 1 >below/a && git add . &&
        git -c user.name=a -c user.email=a@example.org commit -qm Begin &&
        git worktree add -q ../linked"""
    subprocess.run(["/bin/sh", "-ec", script], cwd=repository, check=True, capture_output=True)
    before = contents(repository / ".git")
    workspace = FolderWorkspace(tmp_path / name, tmp_path / "home")
    if reason := workspace.no_overlay():
        pytest.skip(reason)
    branch = workspace.branch(workspace.tree(), "sample")
    assert run(branch, "git log --format=%s; echo 2 >new; git status --short") == "Begin\n?? new\n"
    with pytest.raises(subprocess.CalledProcessError):
        run(branch, "git add new")
    assert workspace.changes(branch).paths == ("new",)
    workspace.discard(branch)
    assert contents(repository / ".git") == before
