"""The public names: complete, loaded late, and typed for whoever checks a program of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import maker
from maker.core import events as core_events

PROGRAM = """\
import asyncio

import maker
from maker import TaskConfig, events, load_run, resume_task, run_task


async def main() -> None:
    config = TaskConfig(instruction="Count things.", agent="simulated", max_samples=1)
    store = maker.SqlStore("runs.db")
    run = "00000000-0000-0000-0000-000000000007"
    async for event in run_task(config, store=store, run_id=run):
        match event:
            case events.RunPaused():
                print("paused:", event.reason)
            case events.TaskCompleted():
                print("completed")
            case _:
                pass
    async for event in resume_task(run, options={"max_samples": None}, store=store):
        last = event
    loaded = await load_run(run, store)
    print(type(last).__name__, loaded.state.status, len(loaded.events) > 5)
    await store.close()


asyncio.run(main())
"""
WRONG = """
config.no_such_setting
maker.no_such_name
async def wrong() -> None:
    async for event in run_task(config, clock="noon"):
        event.no_such_field
"""


def test_every_public_name_is_there() -> None:
    for name in maker.__all__:
        assert getattr(maker, name) is not None
    assert set(maker.__all__) <= set(dir(maker))
    with pytest.raises(AttributeError):
        _ = maker.nothing_of_the_kind  # type: ignore[attr-defined]


def test_every_event_is_public() -> None:
    classes = {kind.__name__: kind for kind in get_args(core_events.Event)}
    assert {*classes, "Event"} == set(maker.events.__all__)
    assert all(getattr(maker.events, name) is kind for name, kind in classes.items())


def test_the_names_are_loaded_late() -> None:
    script = "import sys, maker; print({'maker.app', 'msgspec', 'asyncio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def checked(folder: Path, program: str) -> str:
    """What `mypy --strict` says of a program of somebody who uses maker."""
    (folder / "program.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_users_program_is_checked_strictly_and_runs(tmp_path: Path) -> None:
    assert "Success" in checked(tmp_path, PROGRAM)
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["paused: budget", "TaskCompleted completed True"]


@pytest.mark.slow
def test_no_public_name_is_any_to_a_type_checker(tmp_path: Path) -> None:
    names = [name for name in maker.__all__ if name != "events"]
    revealed = "".join(f"reveal_type(maker.{name})\n" for name in names)
    events = "".join(f"reveal_type(maker.events.{name})\n" for name in maker.events.__all__)
    said = checked(tmp_path, f"import maker\n{revealed}{events}").splitlines()
    types = [line.split("Revealed type is ")[1] for line in said if "Revealed type" in line]
    assert len(types) == len(names) + len(maker.events.__all__)
    assert not [kind for kind in types if kind.strip('"') == "Any"]


@pytest.mark.slow
def test_a_mistake_in_a_users_program_is_found(tmp_path: Path) -> None:
    head = (
        'import maker\nfrom maker import TaskConfig, run_task\nconfig = TaskConfig(instruction="x")'
    )
    said = checked(tmp_path, head + WRONG)
    for mistake in ("no_such_setting", "no_such_name", 'incompatible type "str"', "no_such_field"):
        assert mistake in said, said
