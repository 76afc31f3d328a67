"""What every EventStore promises, checked on each of them."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import gone_process
from maker.core.events import GENESIS
from maker.core.models import RunId
from maker.core.seams import EventStore, StopRequest
from maker.errors import ConcurrentAppend, RunBusy, RunNotFound, StoreError
from maker.store.lease import this_process
from maker.store.memory import MemoryStore
from maker.store.sql import SqlStore

if TYPE_CHECKING:
    from store.conftest import MakeLog, MakeSummary

NOW = 1_700_000_000.0
ELSEWHERE = "another-host:4711:start"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventStore]:
    made: EventStore
    match request.param:
        case "memory":
            made = MemoryStore()
        case "sqlite":
            made = SqlStore(tmp_path / "maker.db")
        case _:
            made = SqlStore(request.getfixturevalue("postgres"))
    yield made
    await made.close()


@pytest.fixture
def run() -> RunId:
    return RunId(str(uuid.uuid4()))


async def test_what_was_appended_is_loaded_in_order_byte_for_byte(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    first = log({"n": 0}, {"text": "naïve “quotes” \x00 \u2028"})
    second = log({"n": 2}, {"n": 3}, after=first)
    await store.append(run, first, {}, summary())
    await store.append(run, second, {}, summary())
    assert await store.load(run) == first + second


async def test_the_logs_of_two_runs_do_not_mix(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    other = RunId(str(uuid.uuid4()))
    await store.append(run, log("a"), {}, summary())
    await store.append(other, log("b", "c"), {}, summary())
    assert [record.payload for record in await store.load(run)] == [b'"a"']
    assert [record.payload for record in await store.load(other)] == [b'"b"', b'"c"']


async def test_a_run_that_was_never_appended_to_is_not_found(store: EventStore, run: RunId) -> None:
    with pytest.raises(RunNotFound, match=run):
        await store.load(run)


async def test_the_head_of_a_log_is_told_before_and_after_its_first_event(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    assert await store.head(run) == (0, GENESIS)
    mine = log("a", "b")
    await store.append(run, mine, {}, summary())
    assert await store.head(run) == (2, mine[1].hash)


async def test_records_that_do_not_follow_the_last_one_are_refused(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    mine = log("a", "b", "c")
    await store.append(run, mine, {}, summary())
    for late in (
        log("x"),
        log("x", after=mine[:2]),
        log("y", after=[*mine, *log("x", after=mine)]),
    ):
        with pytest.raises(ConcurrentAppend, match=run):
            await store.append(run, late, {}, summary())
    assert await store.load(run) == mine


async def test_after_a_refused_append_the_run_can_still_be_appended_to(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    mine = log("a")
    await store.append(run, mine, {}, summary())
    with pytest.raises(ConcurrentAppend):
        await store.append(run, mine, {}, summary())
    more = log("b", after=mine)
    await store.append(run, more, {}, summary())
    assert await store.load(run) == mine + more


async def test_a_refused_append_stores_none_of_its_blobs(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    mine = log("a")
    await store.append(run, mine, {}, summary())
    content = b"never stored"
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(ConcurrentAppend):
        await store.append(run, mine, {digest: content}, summary())
    with pytest.raises(StoreError, match=digest):
        await store.blob(digest)


async def test_a_log_that_could_not_be_loaded_again_is_not_stored(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    first = log("a")
    await store.append(run, first, {}, summary())
    with pytest.raises(StoreError, match="does not match its hash"):
        await store.append(run, log("c", after=log("b")), {}, summary())
    with pytest.raises(StoreError, match="is missing"):
        await store.append(run, log("b", "c", "d", after=first)[::2], {}, summary())
    with pytest.raises(StoreError, match="empty"):
        await store.append(run, [], {}, summary())
    assert await store.load(run) == first


async def test_a_blob_is_found_by_its_hash_and_may_be_given_twice(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    content = bytes(range(256)) * 1000
    digest = hashlib.sha256(content).hexdigest()
    first = log("a")
    await store.append(run, first, {digest: content}, summary())
    await store.append(run, log("b", after=first), {digest: content}, summary())
    assert await store.blob(digest) == content


async def test_an_unknown_blob_is_a_store_error(store: EventStore) -> None:
    with pytest.raises(StoreError, match="abc123"):
        await store.blob("abc123")


async def test_big_payloads_come_back_as_they_were(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    records = log("x" * 70_000, "small", "y" * 3_000_000)
    await store.append(run, records, {}, summary())
    assert await store.load(run) == records


async def test_appends_to_many_runs_at_once_all_arrive(
    store: EventStore, log: MakeLog, summary: MakeSummary
) -> None:
    runs = [RunId(str(uuid.uuid4())) for _ in range(20)]
    async with asyncio.TaskGroup() as group:
        for number, run in enumerate(runs):
            group.create_task(store.append(run, log(number), {}, summary()))
    for number, run in enumerate(runs):
        assert await store.load(run) == log(number)


@pytest.mark.parametrize("cancellations", [1, 2])
async def test_an_append_that_is_cancelled_is_finished_before_the_cancellation_is_seen(
    store: EventStore, log: MakeLog, summary: MakeSummary, cancellations: int
) -> None:
    mine = log("paid for", "x" * 70_000)
    for ticks in range(1, 30):
        run = RunId(str(uuid.uuid4()))
        appending = asyncio.ensure_future(store.append(run, mine, {}, summary()))
        for _ in range(ticks):
            await asyncio.sleep(0)
        for _ in range(cancellations):
            appending.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([appending])
        assert await store.load(run) == mine


async def test_a_live_lease_stops_another_owner_and_names_the_holder(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    await store.acquire(run, ELSEWHERE, NOW, 30.0)
    with pytest.raises(RunBusy, match="process 4711 on another-host") as refused:
        await store.acquire(run, this_process(), NOW + 29.0, 30.0)
    assert "1 s" in refused.value.advice


async def test_a_lease_can_be_renewed_by_its_owner_only(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    await store.acquire(run, ELSEWHERE, NOW, 30.0)
    await store.acquire(run, ELSEWHERE, NOW + 20.0, 30.0)
    with pytest.raises(RunBusy):
        await store.acquire(run, this_process(), NOW + 40.0, 30.0)


async def test_a_lease_that_ran_out_can_be_taken(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    await store.acquire(run, ELSEWHERE, NOW, 30.0)
    await store.acquire(run, this_process(), NOW + 30.0, 30.0)
    with pytest.raises(RunBusy):
        await store.acquire(run, ELSEWHERE, NOW + 31.0, 30.0)


async def test_the_lease_of_a_dead_process_can_be_taken_at_once(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    await store.acquire(run, gone_process(), NOW, 30.0)
    await store.acquire(run, this_process(), NOW + 1.0, 30.0)
    with pytest.raises(RunBusy):
        await store.acquire(run, ELSEWHERE, NOW + 2.0, 30.0)


async def test_who_takes_a_lease_learns_from_whom(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    assert await store.acquire(run, ELSEWHERE, NOW, 30.0) == ""
    assert await store.acquire(run, ELSEWHERE, NOW + 20.0, 30.0) == ""
    assert await store.acquire(run, this_process(), NOW + 60.0, 30.0) == ELSEWHERE
    await store.release(run, this_process())
    assert await store.acquire(run, ELSEWHERE, NOW + 61.0, 30.0) == ""


async def test_a_released_lease_is_free_and_only_its_owner_releases_it(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.append(run, log("a"), {}, summary())
    await store.acquire(run, ELSEWHERE, NOW, 30.0)
    await store.release(run, this_process())
    with pytest.raises(RunBusy):
        await store.acquire(run, this_process(), NOW, 30.0)
    await store.release(run, ELSEWHERE)
    await store.acquire(run, this_process(), NOW, 30.0)


async def test_a_lease_taken_before_the_first_event_holds_from_the_first_event(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.acquire(run, ELSEWHERE, NOW, 30.0)
    await store.append(run, log("a"), {}, summary())
    with pytest.raises(RunBusy):
        await store.acquire(run, this_process(), NOW + 1.0, 30.0)


async def test_a_store_can_be_closed_twice_and_before_its_first_use(store: EventStore) -> None:
    await store.close()
    await store.close()


PAUSE = StopRequest(kind="pause", detail="lunch")
CANCEL = StopRequest(kind="cancel", detail="not needed")


async def test_requests_to_stop_are_read_in_order_by_the_owner(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.acquire(run, ELSEWHERE, NOW, 60.0)
    await store.append(run, log("a"), {}, summary())
    assert list(await store.stop_requests(run)) == []
    await store.ask_to_stop(run, PAUSE, "me")
    await store.ask_to_stop(run, CANCEL, "me")
    assert list(await store.stop_requests(run)) == [PAUSE, CANCEL]
    await store.acquire(run, ELSEWHERE, NOW + 10, 60.0)
    assert list(await store.stop_requests(run)) == [PAUSE, CANCEL]


async def test_requests_to_stop_are_gone_when_the_run_is_given_back(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.acquire(run, ELSEWHERE, NOW, 60.0)
    await store.append(run, log("a"), {}, summary())
    await store.ask_to_stop(run, PAUSE, "me")
    await store.release(run, "somebody else")
    assert list(await store.stop_requests(run)) == [PAUSE]
    await store.release(run, ELSEWHERE)
    assert list(await store.stop_requests(run)) == []


async def test_what_was_asked_of_one_owner_is_not_asked_of_the_next(
    store: EventStore, run: RunId, log: MakeLog, summary: MakeSummary
) -> None:
    await store.acquire(run, ELSEWHERE, NOW, 60.0)
    await store.append(run, log("a"), {}, summary())
    await store.ask_to_stop(run, PAUSE, "me")
    await store.acquire(run, "the next", NOW + 61, 60.0)
    assert list(await store.stop_requests(run)) == []


async def test_a_request_to_a_run_that_is_not_there_is_refused(
    store: EventStore, run: RunId
) -> None:
    assert list(await store.stop_requests(run)) == []
    with pytest.raises(RunNotFound, match=run):
        await store.ask_to_stop(run, PAUSE, "me")
