"""Where a path leads in a branch, for one who looks at it from outside.

A link that an agent made in its layer is not there for other processes: who asks the system for the
real path of a file in an overlay learns where it would lead in the user's folder.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from maker.workspace.overlays import is_opaque
from maker.workspace.trees import Branch

_MOST_LINKS = 40


def real_path(branch: Branch, path: str) -> str:
    """The path with all links followed as what was started in the branch would follow them.

    A relative path starts in the branch's folder. Raises OSError where links go round in circles.
    """
    whole = os.path.join(branch.folder, path)  # noqa: PTH118 - takes any text
    if branch.kind != "overlay" or branch.seen is None:
        return os.path.realpath(whole)
    waiting = _parts(whole)
    at, links = "/", 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            at = os.path.dirname(at)  # noqa: PTH120
            continue
        step = os.path.join(at, part)  # noqa: PTH118
        target = _link_at(branch.folder, branch.seen, step)
        if target is None:
            at = step
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(f"{path} leads through too many links")
        waiting += _parts(target)
        at = "/" if target.startswith("/") else at
    return at


def _parts(path: str) -> list[str]:
    """The names to follow, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _link_at(folder: Path, upper: Path, step: str) -> str | None:
    """What a link there says, in the layer or else below it; None where there is none."""
    place = Path(step)
    if place != folder and place.is_relative_to(folder):
        inside = place.relative_to(folder)
        for above in [*reversed(inside.parents), inside]:
            if not os.path.lexists(upper / above):
                break
            status = (upper / above).lstat()
            if above == inside or not stat.S_ISDIR(status.st_mode) or is_opaque(upper / above):
                place = upper / inside
                break
    try:
        return os.readlink(place)  # noqa: PTH115 - takes any text
    except OSError:
        return None
