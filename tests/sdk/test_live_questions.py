"""The agent asks the user, through the real SDK and the real CLI."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from loopback import Answer, Reply, Request, tool_results, tools_offered, use
from maker.agents import processes
from maker.core.models import CallKey
from maker.errors import StoreError

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]


def question(text: str, *labels: str) -> dict[str, Any]:
    options = [{"label": label, "description": f"{label} it is"} for label in labels]
    return {"question": text, "header": "Choice", "multiSelect": False, "options": options}


DATABASE = question("Which database?", "SQLite", "PostgreSQL")
NAME = question("Which name?", "left", "right")


def asks(*rounds: list[dict[str, Any]]) -> Any:
    """A model that asks one round in one message, each list in a call of its own, then repeats
    what it was told."""

    def script(request: Request) -> Answer:
        found = tool_results(request)
        if found:
            return "\n".join(found)
        return Reply([use("AskUserQuestion", questions=asked) for asked in rounds])

    return script


class User:
    """Answers with the last option and keeps what was asked."""

    def __init__(self, thought: Callable[[], Awaitable[object]] | None = None) -> None:
        self.asked: list[tuple[CallKey, str, list[str]]] = []
        self.asking, self.interrupted = asyncio.Event(), False
        self._thought = thought

    async def __call__(self, key: CallKey, text: str, options: Sequence[str]) -> str:
        self.asked.append((key, text, list(options)))
        self.asking.set()
        try:
            if self._thought:
                await self._thought()
        except asyncio.CancelledError:
            self.interrupted = True
            raise
        return options[-1]


async def test_a_question_reaches_the_user_and_the_answer_reaches_the_model(live: Live) -> None:
    api, user = live.api(asks([DATABASE])), User()
    reply = await live.runner(api).ask(live.call(may_ask=True), user)
    assert user.asked == [("step/0.0/0/0", "Which database?", ["SQLite", "PostgreSQL"])]
    assert '"Which database?"="PostgreSQL"' in reply.text
    assert (reply.error, reply.denied) == (None, ())
    assert tools_offered(api.requests[0]) == ["AskUserQuestion"]


async def test_a_planner_that_may_ask_may_look_as_well(live: Live) -> None:
    (live.cwd / "note.txt").write_text("version 3.1.4")

    def script(request: Request) -> Answer:
        found = tool_results(request)
        if not found:
            return Reply([use("Read", file_path=str(live.cwd / "note.txt"))])
        if "3.1.4" in found[-1]:
            return Reply([use("AskUserQuestion", questions=[DATABASE])])
        return found[-1]

    api, user = live.api(script), User()
    call = live.call(may_ask=True, tools=["Read", "Grep", "Glob"], effect="read")
    reply = await live.runner(api).ask(call, user)
    assert set(tools_offered(api.requests[0])) == {"Read", "Grep", "Glob", "AskUserQuestion"}
    assert '"Which database?"="PostgreSQL"' in reply.text
    assert (reply.error, reply.denied) == (None, ())


async def test_an_agent_that_may_ask_is_kept_inside_its_folder_all_the_same(live: Live) -> None:
    def script(request: Request) -> Answer:
        found = tool_results(request)
        outside = str(live.folder / "WORK" / "x")
        uses = [use("AskUserQuestion", questions=[DATABASE])]
        uses += [use("Write", file_path=path, content="x") for path in (outside, "inside")]
        return "\n".join(found) if found else Reply(uses)

    user = User()
    call = live.call(may_ask=True, tools=["Write"], effect="write", grants=["write"])
    reply = await live.runner(live.api(script)).ask(call, user)
    assert '"Which database?"="PostgreSQL"' in reply.text
    assert f"only below {live.cwd}" in reply.text
    assert reply.denied == ("Write",)
    assert [path.name for path in live.cwd.iterdir()] == ["inside"]
    assert not (live.folder / "WORK").exists()


async def test_the_answers_to_several_questions_reach_the_model_each_in_its_place(
    live: Live,
) -> None:
    other = question("Which colour?", "red", "blue")
    api, user = live.api(asks([DATABASE, NAME], [other])), User()
    reply = await live.runner(api).ask(live.call(may_ask=True), user)
    asked = [text for _, text, _ in user.asked]
    assert sorted(asked) == ["Which colour?", "Which database?", "Which name?"]
    first, second = tool_results(api.requests[-1])
    assert '"Which database?"="PostgreSQL", "Which name?"="right"' in first
    assert '"Which colour?"="blue"' in second
    assert reply.error is None


async def test_the_deadline_stands_still_while_the_user_thinks(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    real_time = loop.time

    async def an_hour() -> None:
        monkeypatch.setattr(loop, "time", lambda: real_time() + 3_600)

    api, user = live.api(asks([DATABASE])), User(an_hour)
    reply = await live.runner(api).ask(live.call(may_ask=True, timeout_s=60.0), user)
    assert reply.error is None
    assert "PostgreSQL" in reply.text
    assert reply.duration_ms == 0, "the user's hour is taken off what the CLI says"


@pytest.mark.parametrize(("may_ask", "with_user"), [(False, True), (True, False)])
async def test_without_leave_or_without_a_user_nothing_can_be_asked(
    live: Live, may_ask: bool, with_user: bool
) -> None:
    api, user = live.api(asks([DATABASE])), User()
    call = live.call(may_ask=may_ask)
    reply = await live.runner(api).ask(call, user if with_user else None)
    assert user.asked == []
    assert tools_offered(api.requests[0]) == []
    assert "No such tool available: AskUserQuestion" in reply.text


async def test_leave_to_ask_opens_nothing_else(live: Live) -> None:
    def script(request: Request) -> Answer:
        found = tool_results(request)
        marker = str(live.cwd / "marker")
        uses = [use("Write", file_path=marker, content="x"), use("Bash", command=f"touch {marker}")]
        return "\n".join(found) if found else Reply(uses)

    api, user = live.api(script), User()
    reply = await live.runner(api).ask(live.call(may_ask=True, tools=["Write", "Bash"]), user)
    assert tools_offered(api.requests[0]) == ["AskUserQuestion"]
    assert (reply.text.count("No such tool available"), user.asked) == (2, [])
    assert not list(live.cwd.iterdir())


async def test_a_user_who_cannot_be_asked_ends_the_call_with_what_is_wrong(live: Live) -> None:
    async def broken(key: CallKey, text: str, options: Sequence[str]) -> str:
        raise StoreError("the disk is full")

    api = live.api(asks([DATABASE]))
    with pytest.raises(StoreError, match="the disk is full"):
        await live.runner(api).ask(live.call(may_ask=True), broken)
    assert len(api.requests) == 1, "the model is not asked to go on"


async def test_an_interruption_while_the_user_thinks_leaves_nobody_behind(live: Live) -> None:
    api, user = live.api(asks([DATABASE])), User(asyncio.Event().wait)
    task = asyncio.create_task(live.runner(api).ask(live.call(may_ask=True), user))
    await user.asking.wait()
    mine = [process for process in processes.marked() if process.started_by == os.getpid()]
    assert mine or sys.platform != "linux"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert user.interrupted
    assert len(api.requests) == 1, "the model is not asked to go on"
    assert not {process.pid for process in mine} & {process.pid for process in processes.marked()}
