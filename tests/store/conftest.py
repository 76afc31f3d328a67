"""What the store's tests share: logs that are chained as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from maker.core import events
from maker.core.models import RunSummary
from maker.core.seams import Record

MakeLog = Callable[..., list[Record]]
MakeSummary = Callable[..., RunSummary]


def make_log(*payloads: Any, after: Sequence[Record] = ()) -> list[Record]:
    """Records with these JSON payloads that follow `after`."""
    log = list(after)
    for payload in payloads:
        text = json.dumps(payload, ensure_ascii=False).encode()
        previous = log[-1].hash if log else events.GENESIS
        log.append(
            Record(
                seq=len(log) + 1,
                timestamp=1_700_000_000.25 + len(log),
                type="StepStarted",
                payload=text,
                hash=events.chain(previous, text),
            )
        )
    return log[len(after) :]


def make_summary(**fields: Any) -> RunSummary:
    return RunSummary(**{"instruction": "Count the stars", "status": "running", **fields})


@pytest.fixture
def log() -> MakeLog:
    return make_log


@pytest.fixture
def summary() -> MakeSummary:
    return make_summary
