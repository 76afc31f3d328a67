"""Seconds for trees and branches of a folder by the number of its files, and bytes kept.

    uv run python benchmarks/trees.py [--files N ...] [--folder DIR]

Files are of 8 kB, a hundred to a folder, and older than what is in doubt. `first` reads every
file, `again` asks only for their times; `kept` is what one changed file leaves on the disk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from maker.workspace.folder_trees import FolderWorkspace
from maker.workspace.trees import IsolationMode

COUNTS = (100, 1_000, 10_000, 50_000)
SIZE = 8_000
Result = TypeVar("Result")


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        place = folder / f"pack{number // 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file{number}.py").write_bytes(os.urandom(SIZE))


def timed(act: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.perf_counter()
    result = act()
    return time.perf_counter() - begun, result


def branched(
    folder: Path, home: Path, tree: str, isolate: IsolationMode
) -> tuple[float, float, float, int]:
    """Seconds for a branch, for its changes and for applying them; bytes kept by one change."""
    later = time.time_ns() + 10**12
    workspace = FolderWorkspace(folder, home, isolate=isolate, now_ns=lambda: later)
    workspace.no_overlay()
    before = workspace.size()
    begun, branch = timed(lambda: workspace.branch(tree, "sample"))
    assert branch.seen is not None
    if branch.kind == "off":
        return 0.0, 0.0, 0.0, 0
    changed = branch.seen / "pack0" / "file0.py"
    changed.parent.mkdir(exist_ok=True)
    changed.write_bytes(os.urandom(SIZE))
    gathered, changes = timed(lambda: workspace.changes(branch))
    workspace.discard(branch)
    applied, _ = timed(lambda: workspace.apply(changes))
    return begun, gathered, applied, workspace.size() - before


def measure(top: Path, count: int) -> None:
    folder, home = top / "work", top / "home"
    fill(folder, count)
    later = time.time_ns() + 10**12
    workspace = FolderWorkspace(folder, home, now_ns=lambda: later)
    first, _ = timed(workspace.tree)
    again, tree = timed(workspace.tree)
    row = f"{count:7,} {first:8.2f} {again:8.2f} {workspace.size() / 1000:11,.0f}"
    kinds: tuple[IsolationMode, ...] = ("overlay", "copy")
    for isolate in kinds:
        begun, gathered, applied, kept = branched(folder, home, tree, isolate)
        row += f" {begun:9.2f} {gathered:8.3f} {applied:7.3f} {kept / 1000:8,.1f}"
        tree = workspace.tree()
    print(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    print(f"{'':37} {'overlay':>35} {'copy':>35}")
    columns = f" {'branch s':>9} {'changes':>8} {'apply':>7} {'kept kB':>8}" * 2
    print(f"{'files':>7} {'first s':>8} {'again s':>8} {'digests kB':>11}{columns}")
    for count in arguments.files:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as top:
            measure(Path(top), count)


if __name__ == "__main__":
    main()
