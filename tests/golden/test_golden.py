"""Yesterday's logs: they decode to the same bytes, and lead to the same decisions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fakes import chained
from maker.core import events as e
from maker.core.seams import Record
from maker.inspect.replay import replay

DECIDED_OTHERWISE = {"hanoi", "rules-2-an-item-missing", "rules-2-steps-kept"}
"""Logs in which a vote had failed that would go on under rules 3, or compared lists in order."""
LOGS = sorted(Path(__file__).parent.glob("*.jsonl"))


def records(path: Path) -> list[Record]:
    """The log as a store would give it."""
    return chained(path.read_bytes().splitlines())


def test_there_are_golden_logs() -> None:
    assert len(LOGS) >= 3


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_golden_log_is_read_without_losing_a_field(path: Path) -> None:
    for record in records(path):
        was = msgspec.json.decode(record.payload)
        assert _common(was, e.whole(e.decode(record.payload))) == was


def _common(was: Any, now: Any) -> Any:
    """Of `now` what `was` has too: a newer maker may know more fields."""
    if isinstance(was, dict) and isinstance(now, dict):
        return {name: _common(item, now[name]) for name, item in was.items() if name in now}
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [_common(*pair) for pair in zip(was, now, strict=True)]
    return now


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_golden_log_leads_to_the_same_decisions(path: Path) -> None:
    found = replay(records(path))
    assert found.divergence is None
    was_decided_otherwise = path.stem in DECIDED_OTHERWISE
    assert (found.outcome == "rules changed") is was_decided_otherwise


def test_a_version_that_knows_more_checks_comes_to_the_same_decisions() -> None:
    log = (Path(__file__).parent / "every-kind-of-step.jsonl").read_bytes()
    assert b'"checks_passed":' in log
    old = re.sub(rb'"checks_passed":\d+', b'"checks_passed":3', log)
    assert replay(chained(old.splitlines())).divergence is None
