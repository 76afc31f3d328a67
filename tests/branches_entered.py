"""Working in a branch as one who was started in it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maker.workspace.trees import Branch


@contextmanager
def entered(branch: Branch) -> Iterator[Path]:
    """The folder as it is for what was started by the branch's wrapper, as long as that lives."""
    command = [*branch.wrapper, "/bin/sh", "-c", "echo ready; exec cat"]
    with subprocess.Popen(
        command, cwd=branch.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if branch.kind == "overlay":
            yield Path(f"/proc/{process.pid}/root") / branch.folder.relative_to("/")
        else:
            yield branch.folder
        process.kill()
