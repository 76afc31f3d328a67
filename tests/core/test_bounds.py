"""Paths are compared exactly as the disk has them, whatever they are called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.bounds import (
    EDITORS,
    READERS,
    Bounds,
    path_of,
    refusal,
)

FIELDS = {"NotebookEdit": "notebook_path", "Glob": "path", "Grep": "path"}


class Disk:
    """A folder `live` to work in, another to read, and others that are nobody's business."""

    def __init__(self, top: Path) -> None:
        self.top, self.live, self.docs = top, top / "live", top / "docs"
        for folder in (self.live / "sub", self.docs, top / "LIVE", top / "live2", top / "home"):
            folder.mkdir(parents=True)
        (top / "named.txt").write_text("named in the instruction")
        (self.live / "out").symlink_to(top)
        (self.live / "self").symlink_to(self.live)
        (top / "alias").symlink_to(self.live)
        folders = (str(self.live), str(self.docs), str(top / "named.txt"))
        self.bounds = Bounds(write=(str(self.live),), read=folders)

    def refused(self, tool: str, told: dict[str, Any], base: Path | None = None) -> str:
        return refusal(
            tool,
            told,
            self.bounds,
            base=str(base or self.live),
            home=str(self.top / "home"),
            real=os.path.realpath,
        )

    def path(self, tool: str, path: str, base: Path | None = None) -> str:
        told = {FIELDS.get(tool, "file_path"): path, "pattern": "x"}
        return self.refused(tool, told, base)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path.resolve())


INSIDE = ["new.txt", "sub/new.txt", "./a/../b", "self/sub/x", "sub/../sub/x", "a b/c", "$HOME/x"]
OUTSIDE = [
    "../LIVE/x", "../live2/x", "out/x", "sub/../../docs2/x", "/", "/etc/passwd", "~/x", "~", " ~/x",
    "\ufeff/etc/passwd", "\u00a0~/x\n", "out/live2/x", "self/out/home/x",
]  # fmt: skip


@pytest.mark.parametrize("tool", [*EDITORS, *READERS])
def test_what_lies_in_the_working_folder_may_be_touched_and_nothing_beside_it(
    disk: Disk, tool: str
) -> None:
    for path in [*INSIDE, *(f"{disk.live}/{path}" for path in INSIDE), f"{disk.top}/alias/x"]:
        assert disk.path(tool, path) == "", path
    for path in [*OUTSIDE, f"{disk.top}/LIVE/x", f"{disk.top}/Live/x", f" {disk.top}/LIVE/x"]:
        assert disk.path(tool, path), path


def test_what_may_be_read_may_not_be_changed(disk: Disk) -> None:
    for path in (f"{disk.docs}/a", f"{disk.top}/named.txt", "../docs/a"):
        assert [bool(disk.path(tool, path)) for tool in ("Read", "Grep")] == [False, False]
        assert all(disk.path(tool, path) for tool in EDITORS)
    assert disk.path("Read", f"{disk.top}/named.txt2")


def test_relative_paths_start_where_the_agent_is_now(disk: Disk) -> None:
    assert disk.path("Write", "../new.txt", base=disk.live / "sub") == ""
    assert disk.path("Write", "../../new.txt", base=disk.live / "sub")


@pytest.mark.parametrize("tool", ["Glob", "Grep"])
def test_a_search_without_a_path_is_one_of_the_folder_where_the_agent_is(
    disk: Disk, tool: str
) -> None:
    for told in ({"pattern": "x"}, {"pattern": "x", "path": ""}, {"pattern": "x", "path": None}):
        assert disk.refused(tool, told) == ""
        assert disk.refused(tool, told, base=disk.top)


def test_a_pattern_may_lead_nowhere_else_either(disk: Disk) -> None:
    inside = ["*.py", "**/*", "sub/*.py", "a{b,c}d/*", f"{disk.live}/**/*.py", f"{disk.docs}/*"]
    outside = ["/etc/*", "../*", "out/*", "*/../../x", "**/..", "{/etc/*,x}", "{x,/etc/*}", "~/*",
               "{a,~/b}", "{..,a}/*", f"{disk.top}/*", f"{disk.top}/LIVE/*", " /etc/*", "@(/etc)/*",
               "x{,/../../..}/y", "a\\/../..", "[/]etc/.."]  # fmt: skip
    for pattern in inside:
        assert disk.refused("Glob", {"pattern": pattern}) == "", pattern
    for pattern in outside:
        assert disk.refused("Glob", {"pattern": pattern}), pattern
    assert disk.refused("Glob", {"pattern": "*", "path": "out"})
    assert disk.refused("Glob", {"pattern": "live2/*", "path": "out"})


@pytest.mark.parametrize("value", [None, "", "  ", 3, ["x"], "x\0y"])
def test_what_is_no_path_is_refused(disk: Disk, value: Any) -> None:
    for tool in (*EDITORS, "Read"):
        assert disk.refused(tool, {FIELDS.get(tool, "file_path"): value})
    assert disk.refused("Glob", {"pattern": 3})
    assert disk.refused("Glob", {})


def test_a_refusal_says_what_was_asked_for_and_what_is_allowed(disk: Disk) -> None:
    said = disk.path("Write", "../LIVE/x")
    assert said == f"../LIVE/x is out of bounds: you may change files only below {disk.live}"
    said = disk.path("Read", "/etc/passwd")
    assert said.endswith(f"you may read only below {disk.live}, {disk.docs}, {disk.top}/named.txt")


def test_the_path_that_a_tool_is_told_is_found_for_people() -> None:
    assert path_of("Write", {"file_path": "/a"}) == "/a"
    assert path_of("NotebookEdit", {"notebook_path": "/a"}) == "/a"
    assert path_of("Glob", {"pattern": "/a/*"}) == "/a/*"
    assert path_of("Glob", {"pattern": "*", "path": "/a"}) == "/a"
    assert path_of("Grep", {"pattern": "x"}) == path_of("Read", {"file_path": 3}) == ""


names = st.sampled_from(["..", ".", "live", "LIVE", "out", "self", "sub", "home", "a", "", "~"])


@given(st.lists(names, max_size=6), st.booleans())
def test_no_allowed_path_leads_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], is_absolute: bool
) -> None:
    disk = Disk(tmp_path_factory.mktemp("disk").resolve())
    path = f"{disk.top}/{'/'.join(parts)}" if is_absolute else "/".join(parts)
    if path.strip() and not disk.path("Write", path):
        real = os.path.realpath(disk.live / path)
        assert os.path.commonpath([real, disk.live]) == str(disk.live)
