"""Branches that are a layer over the folder, seen only by what is started in its namespace.

They cost nothing by size, and the folder keeps its path. Linux only, and not where namespaces are
switched off: it is tried once, with a real write.
"""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from maker.core.text import one_line
from maker.workspace import places
from maker.workspace.git.folder import repository_elsewhere

_TIMEOUT_S = 20
_OPAQUE = "user.overlay.opaque"
_ENTER = r"""#!/bin/sh
# Started with the branch's place, the folder, and how to drop what only the mount needed.
place=$1 folder=$2 drop=$3 here=$PWD
shift 3
# Relative names hold nothing that the options' own grammar could take for its signs.
cd "$place" &&
    mount -t overlay maker -o lowerdir=lower,upperdir=upper,workdir=work,userxattr "$folder" &&
    # Where we stood is below the mount: without this, what is written lands in the folder itself.
    cd "$here" &&
    for guarded in "$place"/guarded-*; do
        if [ -d "$guarded" ]; then
            mount --bind "$guarded" "$guarded" && mount -o remount,bind,ro "$guarded" || exit 125
        fi
    done &&
    # The layer is another file system; a repository above the folder is still to be found.
    export GIT_DISCOVERY_ACROSS_FILESYSTEM=1 &&
    exec setpriv $drop -- "$@"
echo "maker: the branch cannot be entered" >&2
exit 125
"""


def prepare(place: Path, folder: Path) -> tuple[str, ...]:
    """Make a layer over the folder; the words that start a command in it.

    A repository's own folder that lies elsewhere can only be read there: no layer is over it.
    """
    for name in ("upper", "work"):
        (place / name).mkdir(mode=0o700)
    (place / "upper").chmod(stat.S_IMODE(folder.stat().st_mode))
    (place / "lower").symlink_to(folder)
    for number, own in enumerate(repository_elsewhere(folder)):
        (place / f"guarded-{number}").symlink_to(own)
    script = place / "enter"
    script.write_text(_ENTER)
    if os.geteuid() == 0:
        # Root needs no namespace of users, in which files of others could not be written.
        unshare, drop = ["unshare", "-m"], "--bounding-set=-sys_admin"
    else:
        unshare = ["unshare", "-Um", "--map-current-user", "--keep-caps"]
        drop = "--inh-caps=-all --ambient-caps=-all"
    return (*unshare, "--", "/bin/sh", str(script), str(place), str(folder), drop)


def refusal(branches: Path, folder: Path) -> str:
    """Why there can be no layer over the folder; empty where a write in one has worked."""
    if sys.platform != "linux":
        return "overlays are for Linux only"
    if branches.is_relative_to(folder):
        return "maker's home lies in the folder"
    place = branches / f"probe-{secrets.token_hex(4)}"
    place.mkdir(parents=True, mode=0o700)
    probe = f".maker-{secrets.token_hex(8)}~"
    try:
        command = [*prepare(place, folder), "/bin/sh", "-c", f"echo 1 >{probe} && cat {probe}"]
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C"},
        )
        if done.returncode == 0 and (place / "upper" / probe).exists():
            return ""
        lines = done.stderr.decode(errors="replace").splitlines() or ["no reason given"]
        return f"no overlay can be mounted: {one_line(lines[0], 200)}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no overlay can be mounted: {error}"
    finally:
        (folder / probe).unlink(missing_ok=True)
        places.remove(place)


def changed(upper: Path, folder: Path) -> set[str]:
    """The paths that the layer changes, those that it hides included."""
    return set(_changed(str(upper), str(folder), ""))


def _changed(upper: str, folder: str, start: str) -> Iterator[str]:
    with os.scandir(f"{upper}/{start}") as entries:
        for entry in entries:
            path = start + entry.name
            below = f"{folder}/{path}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder or is_opaque(entry.path) or not _is_folder(below):
                yield from _files(folder, path)
            if is_folder:
                yield from _changed(upper, folder, f"{path}/")
            elif not _is_whiteout(entry.stat(follow_symlinks=False)):
                yield path


def _files(folder: str, path: str) -> Iterator[str]:
    """The file, or all files below the folder, that the path names in the user's folder."""
    full = f"{folder}/{path}"
    if _is_folder(full):
        yield from (f"{path}/{name}" for name in places.stamps(Path(full)))
    elif os.path.lexists(full):
        yield path


def _is_folder(path: str) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(os.lstat(path).st_mode)
    return False


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: str | Path) -> bool:
    """Whether the layer hides all that the folder below holds there."""
    with suppress(OSError, AttributeError):
        return os.getxattr(path, _OPAQUE, follow_symlinks=False) == b"y"
    return False
