"""`maker cancel`: what has stopped ends for good; what lives or is over is left alone."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from stored_runs import by_sample, cut, database, stored

from fakes import plan, step
from maker.cli.main import main
from maker.core.models import RunId, TaskConfig
from maker.core.seams import StopRequest
from maker.engine import stopping
from maker.store.sql import SqlStore

RIGHT = by_sample([{"n": 3}])


def status(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["history", "--json"]) == 0
    found: str = json.loads(capsys.readouterr().out)["runs"][0]["status"]
    return found


def paused() -> RunId:
    return stored(RIGHT, plan(), config=TaskConfig(instruction="Count.", dry_run=True))


def crashed() -> RunId:
    return cut(stored(RIGHT, plan()), 4)


def failed() -> RunId:
    return stored(by_sample(["nothing"]), plan())


@pytest.mark.parametrize("stopped", [paused, crashed, failed])
def test_a_stopped_run_is_cancelled_and_stays_whole(
    stopped: object, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped()  # type: ignore[operator]
    assert main(["cancel", run, "--reason", "not needed"]) == 0
    assert status(capsys) == "cancelled"
    assert main(["verify", run]) == 0
    assert main(["replay", run]) == 0
    assert main(["show", run]) == 0
    assert "not needed" in capsys.readouterr().out


def test_a_run_that_is_over_cannot_be_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    run = stored(RIGHT, plan())
    assert main(["cancel", run]) == 2
    assert "is over: it is completed" in capsys.readouterr().err
    assert main(["cancel", paused()]) == 0
    assert main(["cancel", "@last"]) in (0, 2)


async def held(run: RunId) -> None:
    """Another machine works on the run."""
    store = SqlStore(database())
    await store.acquire(run, "elsewhere:1:x", 4e9, 3600.0)
    await store.close()


async def requests(run: RunId) -> list[StopRequest]:
    store = SqlStore(database())
    try:
        return await store.stop_requests(run)
    finally:
        await store.close()


@pytest.mark.parametrize("kind", ["cancel", "pause"])
def test_of_a_live_run_its_owner_is_asked(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = paused()
    asyncio.run(held(run))
    assert main([kind, run, "--no-wait", "--reason", "it is late"]) == 0
    assert f"run {run} will be {kind[:5]}" in capsys.readouterr().out
    assert asyncio.run(requests(run)) == [StopRequest(kind=kind, detail="it is late")]
    assert status(capsys) == "paused"


def test_who_asks_is_told_in_the_log_where_no_reason_is() -> None:
    run = paused()
    asyncio.run(held(run))
    assert main(["pause", run, "--no-wait", "--json"]) == 0
    (request,) = asyncio.run(requests(run))
    assert f"`maker pause`, process {os.getpid()}" in request.detail


@pytest.mark.parametrize("stopped", [paused, crashed, failed])
def test_a_stopped_run_needs_no_pause(stopped: object, capsys: pytest.CaptureFixture[str]) -> None:
    run = stopped()  # type: ignore[operator]
    before = status(capsys)
    assert main(["pause", run]) == 0
    assert "there is nothing to pause" in capsys.readouterr().out
    assert status(capsys) == before


def test_a_run_whose_owner_dies_while_it_is_asked_is_cancelled_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = paused()
    asyncio.run(held(run))

    async def ask_a_dying_owner(run: RunId, *_: object) -> None:
        store = SqlStore(database())
        await store.release(run, "elsewhere:1:x")
        await store.close()

    monkeypatch.setattr(stopping, "ask_owner", ask_a_dying_owner)
    assert main(["cancel", run]) == 0
    assert status(capsys) == "cancelled"


def test_without_a_database_nothing_is_created() -> None:
    assert main(["cancel", "@last"]) == 2
    assert not database().exists()


def test_a_step_of_a_cancelled_run_keeps_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    steps = plan(step(0, next_step_sequence_number=1), step(1))
    run = stored(lambda call: '{"n": 1}' if "/0.0/" in call.key else "no", steps)
    assert main(["cancel", run]) == 0
    capsys.readouterr()
    assert main(["show", run, "--result", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "cancelled"
    assert document["steps"][0]["output"] == {"n": 1}
