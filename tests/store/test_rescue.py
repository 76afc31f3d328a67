"""Rescue files: private, written where there is room, taken only where they follow the log."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes import RUN
from maker.core.models import RunId
from maker.core.seams import Record
from maker.errors import RescueRefused, StoreError
from maker.store import rescue
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

BLOB = b"the whole prompt"
BLOBS = {hashlib.sha256(BLOB).hexdigest(): BLOB}
OTHER = RunId("0199aaaa-0000-7000-8000-000000000002")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def written(folder: Path, records: Sequence[Record], blobs: Mapping[str, bytes] = BLOBS) -> Path:
    return rescue.write([folder], RUN, records, blobs)


def test_what_was_written_is_found_exactly_and_privately(folder: Path, log: MakeLog) -> None:
    stored, rest = log("a", "b"), log("c", "naïve \u2028", after=log("a", "b"))
    before = os.umask(0)
    path = written(folder, rest)
    os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    found = rescue.find([folder], RUN, stored)
    assert (found.records, found.blobs, found.paths) == (rest, BLOBS, [path])
    rescue.remove(found)
    assert list(folder.iterdir()) == []


def test_a_run_without_a_rescue_file_finds_nothing(folder: Path, log: MakeLog) -> None:
    written(folder, log("c", after=log("a")))
    assert rescue.find([folder, folder / "none"], OTHER, log("a")) == rescue.Rescued([], {}, [])


def test_events_that_are_stored_already_are_passed_over(folder: Path, log: MakeLog) -> None:
    whole = log("a", "b", "c", "d")
    written(folder, whole[1:])
    assert rescue.find([folder], RUN, whole[:3]).records == whole[3:]
    found = rescue.find([folder], RUN, [*whole, *log("e", after=whole)])
    assert found.records == []
    assert found.paths


def test_files_of_two_sessions_are_taken_in_order(folder: Path, log: MakeLog) -> None:
    whole = log("a", "b", "c", "d", "e")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    rescue.write([elsewhere], RUN, whole[3:], {})
    written(folder, whole[1:4])
    found = rescue.find([elsewhere, folder, folder], RUN, whole[:1])
    assert found.records == whole[1:]
    assert len(found.paths) == 2


@pytest.mark.parametrize(
    ("stored", "words"),
    [(["a", "x"], "somebody else went on with it meanwhile"), (["a"], "the log ends with event 1")],
)
def test_a_file_that_does_not_follow_is_refused_with_its_name_and_the_reason(
    folder: Path, log: MakeLog, stored: list[str], words: str
) -> None:
    path = written(folder, log("c", "d", after=log("a", "b")))
    log_now = log(*stored, *(["y"] if len(stored) > 1 else []))
    with pytest.raises(RescueRefused, match=words) as refused:
        rescue.find([folder], RUN, log_now)
    assert f"{path} (events 3 to 4)" in refused.value.message
    assert "move it away" in refused.value.advice
    assert refused.value.exit_code == 2
    assert path.exists()


def test_a_file_cut_anywhere_is_refused(folder: Path, log: MakeLog) -> None:
    whole = log("a", "b", "c")
    path = written(folder, whole[1:])
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(RescueRefused, match="cut short or damaged"):
            rescue.find([folder], RUN, whole[:1])


def test_a_file_that_was_changed_anywhere_adds_nothing_else_to_a_log(
    folder: Path, log: MakeLog
) -> None:
    whole = log("a", "b", "c")
    path = written(folder, whole[1:])
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            found = rescue.find([folder], RUN, whole[:1])
        except RescueRefused:
            continue
        assert [(record.payload, record.hash) for record in found.records] == [
            (record.payload, record.hash) for record in whole[1:]
        ]
        assert found.blobs == BLOBS


def test_a_file_of_another_run_under_this_name_is_refused(folder: Path, log: MakeLog) -> None:
    path = written(folder, log("b", after=log("a")))
    path.rename(folder / path.name.replace(RUN, OTHER))
    with pytest.raises(RescueRefused, match=f"is of run {RUN}"):
        rescue.find([folder], OTHER, log("a"))


def test_a_file_without_events_is_refused(folder: Path, log: MakeLog) -> None:
    path = written(folder, log("b", after=log("a")))
    content = {**msgspec.json.decode(path.read_bytes()), "records": []}
    path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(RescueRefused, match="cut short or damaged"):
        rescue.find([folder], RUN, log("a"))


def test_what_another_user_or_a_link_put_there_is_no_rescue_file(
    folder: Path, log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder, log("b", after=log("a")))
    path.rename(folder / "real")
    path.symlink_to(folder / "real")
    assert rescue.find([folder], RUN, log("a")).paths == []
    path.unlink()
    os.mkfifo(path)
    assert rescue.find([folder], RUN, log("a")).paths == []
    path.unlink()
    (folder / "real").rename(path)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert rescue.find([folder], RUN, log("a")).paths == []


def test_the_first_folder_that_takes_it_gets_the_file(folder: Path, log: MakeLog) -> None:
    path = rescue.write([folder / "gone", folder], RUN, log("b", after=log("a")), {})
    assert path.parent == folder
    with pytest.raises(StoreError, match="no folder takes a rescue file") as refused:
        rescue.write([folder / "gone", folder / "missing"], RUN, log("a"), {})
    assert "missing: No such file or directory" in refused.value.message


async def test_a_database_that_is_written_has_a_reserve_and_folders_for_a_rescue(
    folder: Path, log: MakeLog, summary: MakeSummary
) -> None:
    store = SqlStore(folder / "maker.db")
    await store.append(RUN, log("a"), {}, summary())
    await store.close()
    reserve = folder / rescue.RESERVE
    assert reserve.stat().st_size == rescue.RESERVE_BYTES
    assert reserve.stat().st_blocks * 512 >= rescue.RESERVE_BYTES
    places = store.rescue_folders
    assert places[:2] == [folder, Path(tempfile.gettempdir())]


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from maker.core.seams import Record
from maker.store import rescue

folder, run, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rescue.make_reserve(folder)
with (folder / "rest").open("wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError as error:
        print(error.strerror)
record = Record(seq=2, timestamp=1.0, type="N", payload=b"x" * size, hash=bytes(32))
path = rescue.write([folder, Path(sys.argv[4])], run, [record], {})
print(path.parent)
rescue.write([folder, Path(sys.argv[4])], run, [record], {})
print(*sorted(path.name for path in folder.iterdir() if path.name.startswith("maker-rescue")))
"""


def on_a_full_disk(folder: Path, other: Path, size: int) -> list[str]:
    """What the program prints on a file system of 4 MB; needs the rights to mount one."""
    mount = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0" && exec "$@"']
    program = [sys.executable, "-c", ON_A_FULL_DISK, str(folder), RUN, str(size), str(other)]
    made = subprocess.run([*mount, str(folder), *program], capture_output=True, text=True)
    if "unshare" in made.stderr or "mount:" in made.stderr:
        pytest.skip("no file system can be mounted here")
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 500_000])
def test_on_a_full_disk_the_reserve_becomes_the_rescue_file(tmp_path: Path, size: int) -> None:
    full, other = tmp_path / "full", tmp_path / "other"
    full.mkdir()
    other.mkdir()
    error, first, left = on_a_full_disk(full, other, size)
    assert error == "No space left on device"
    assert first == str(full)
    assert len(left.split()) >= 1
    assert len(list(other.iterdir())) + len(left.split()) == 2


@pytest.mark.slow
def test_what_is_too_big_for_the_reserve_goes_to_the_next_folder(tmp_path: Path) -> None:
    full, other = tmp_path / "full", tmp_path / "other"
    full.mkdir()
    other.mkdir()
    _, first, *left = on_a_full_disk(full, other, 3_000_000)
    assert first == str(other)
    assert left in ([], [""])


def test_the_runs_that_wait_are_known_by_their_files(folder: Path, log: MakeLog) -> None:
    assert rescue.waiting([folder, folder / "none"]) == set()
    written(folder, log("a"))
    (folder / "maker-rescue-.json").write_text("")
    assert RUN in rescue.waiting([folder])
