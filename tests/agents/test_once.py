"""Those who ask at the same time share one answer or one failure."""

from __future__ import annotations

import asyncio

import pytest

from maker.agents.once import Once


async def test_it_is_found_out_once_for_all() -> None:
    once, asked = Once[int](), []

    async def find() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        return 7

    found = await asyncio.gather(*(once.get(find) for _ in range(5)))
    assert (found, await once.get(find), len(asked)) == ([7] * 5, 7, 1)


async def test_a_failure_is_that_of_all_who_waited_and_of_nobody_later() -> None:
    once, asked = Once[int](), []

    async def find() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        if len(asked) == 1:
            raise ValueError("no")
        return 7

    waiting = await asyncio.gather(*(once.get(find) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in waiting] == [ValueError] * 3
    assert (await once.get(find), len(asked)) == (7, 2)


async def test_who_is_cancelled_leaves_the_others_their_turn() -> None:
    once, begun, go_on = Once[int](), asyncio.Event(), asyncio.Event()

    async def find() -> int:
        begun.set()
        await go_on.wait()
        return 7

    first, second = (asyncio.create_task(once.get(find)) for _ in range(2))
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go_on.set()
    assert await second == 7
