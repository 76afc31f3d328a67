"""Events can evolve: logs of before mean what they meant. Tried on a changed copy of maker."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maker
from maker.core.upcast import upcast

GOLDEN = Path(__file__).parent.parent / "golden"
REPLAY = """
import sys
from pathlib import Path
from maker.core import events as e
from maker.core.seams import Record
from maker.core.upcast import UPCASTERS
from {replay} import replay
for path in sorted(Path(sys.argv[1]).glob("*.jsonl")):
    records, head = [], e.GENESIS
    for seq, payload in enumerate(path.read_bytes().splitlines(), start=1):
        event, head = e.decode(payload, seq=seq), e.chain(head, payload)
        name = type(event).__name__
        records.append(Record(seq=seq, timestamp=0.0, type=name, payload=payload, hash=head))
    result, events = replay(records), [e.decode(record.payload) for record in records]
    final = [event.final for event in events if isinstance(event, e.TryFailed)]
    print(path.stem, result.outcome, *(d.field for d in result.decided_differently), final)
"""

CHANGED_DEFAULT = (
    (
        "core/events.py",
        "class TryFailed(Fact, frozen=True, kw_only=True, omit_defaults=True):",
        'class TryFailed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="TryFailed@2"):',
    ),
    ("core/events.py", "    final: bool = False\n", "    final: bool = True\n"),
)
ITS_UPCASTER = (
    "core/upcast.py",
    "UPCASTERS: Mapping[str, Upcaster] = {}",
    "UPCASTERS: Mapping[str, Upcaster] = {\n"
    '    "TryFailed": lambda old: {"final": False, **old, "type": "TryFailed@2"}\n}',
)
NEW_FIELD = (
    "core/events.py",
    '    tokens: int = 0\n    verdict: str = ""\n',
    '    tokens: int = 0\n    verdict: str = ""\n    weight: int = 7\n',
)
NEW_TYPE = (
    "core/events.py",
    "Event: TypeAlias = (\n    TaskSubmitted",
    "class RunRenamed(Input, frozen=True, kw_only=True):\n"
    '    name: str = ""\n\n\nEvent: TypeAlias = (\n    RunRenamed | TaskSubmitted',
)

Edit = tuple[str, str, str]


def outcomes(tmp_path: Path, *edits: Edit) -> list[str]:
    """What a maker with these edits says of the golden logs, a line each."""
    copy = tmp_path / "maker"
    shutil.copytree(Path(maker.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in edits:
        text = (copy / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has another text by now: {old}"
        (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    code = REPLAY.format(replay="maker.inspect.replay")
    done = subprocess.run(
        [sys.executable, "-c", code, str(GOLDEN)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_new_field_with_a_default_leaves_old_logs_as_they_are(tmp_path: Path) -> None:
    assert outcomes(tmp_path / "new", NEW_FIELD) == outcomes(tmp_path / "now")


@pytest.mark.slow
def test_a_new_type_leaves_old_logs_as_they_are(tmp_path: Path) -> None:
    assert outcomes(tmp_path / "new", NEW_TYPE) == outcomes(tmp_path / "now")


@pytest.mark.slow
def test_a_changed_default_needs_an_upcaster_that_writes_the_old_value(tmp_path: Path) -> None:
    now = outcomes(tmp_path / "now")
    assert outcomes(tmp_path / "with", *CHANGED_DEFAULT, ITS_UPCASTER) == now
    without = (ITS_UPCASTER[0], ITS_UPCASTER[1], ITS_UPCASTER[2].replace('"final": False, ', ""))
    assert outcomes(tmp_path / "without", *CHANGED_DEFAULT, without) != now


def test_upcasters_are_applied_one_after_another() -> None:
    chain = {
        "A": lambda old: {**old, "b": 1, "type": "A@2"},
        "A@2": lambda old: {**old, "c": old["b"] + 1, "type": "A@3"},
    }
    assert upcast({"type": "A"}, chain) == {"type": "A@3", "b": 1, "c": 2}
    assert upcast({"type": "A@3"}, chain) == {"type": "A@3"}
