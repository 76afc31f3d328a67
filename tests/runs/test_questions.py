"""What an agent may ask the user, and what becomes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import PLAN_TEXT, FakeClock, Play, ScriptedAgent, play
from maker.agents.questions import Interview, WorkingTime, questions
from maker.core import events as e
from maker.core.models import AgentCall, AgentReply, CallKey, TaskConfig
from maker.core.seams import Answer
from maker.engine.asking import GO_ON, MOST_QUESTIONS
from maker.errors import AgentUnavailable, StoreError
from maker.inspect.replay import replay

CONFIG = TaskConfig(instruction="Count the words.", questions=True)


class AskingAgent(ScriptedAgent):
    """Asks its questions at every planning call that may, keeps what it is told, then plans."""

    def __init__(self, *asked: str, plans: Sequence[str] = (PLAN_TEXT,)) -> None:
        super().__init__(self._answered)
        self._asked, self._plans = asked, list(plans)
        self.told: list[str] = []

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        if call.may_ask:
            assert answer is not None
            self.told = [await answer(call.key, text, ["this", "that"]) for text in self._asked]
        return await super().ask(call, answer)

    def _answered(self, call: AgentCall) -> str:
        if call.role != "plan":
            return '{"n": 1}'
        return self._plans.pop(0) if len(self._plans) > 1 else self._plans[0]


class User:
    """Answers each question in a fixed way and keeps it."""

    def __init__(self, says: str = "that") -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self._says = says

    async def __call__(self, question: str, options: Sequence[str]) -> str:
        self.asked.append((question, list(options)))
        return self._says


def answered(session: Play) -> list[tuple[str, str]]:
    return [(event.question, event.answer) for event in session.of(e.QuestionAnswered)]


def prompts(agent: ScriptedAgent) -> list[str]:
    return [call.prompt for call in agent.calls if call.role == "plan"]


async def test_an_answer_is_recorded_once_and_given_to_the_agent() -> None:
    agent, user = AskingAgent("Which words?", "Which words?"), User()
    session = await play(agent, config=CONFIG, ask_user=user)
    assert user.asked == [("Which words?", ["this", "that"])]
    assert answered(session) == [("Which words?", "that")]
    assert agent.told == ["that", "that"]
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_a_run_cut_after_any_event_asks_nothing_again_that_it_was_told() -> None:
    whole = await play(AskingAgent("Which words?", "Which file?"), config=CONFIG, ask_user=User())
    records = await whole.records()
    for length in range(1, len(records)):
        agent, user = AskingAgent("Which words?", "Which file?"), User()
        had = [e.decode(record.payload) for record in records[:length]]
        known = {event.question for event in had if isinstance(event, e.QuestionAnswered)}
        again = await play(
            agent,
            config=CONFIG,
            history=records[:length],
            opening=[e.RunResumed()],
            ask_user=user,
        )
        assert not known & {question for question, _ in user.asked}
        assert agent.told in ([], ["that", "that"])
        assert isinstance(again.events[-1], e.TaskCompleted)
        assert replay(await again.records()).outcome == "identical"


async def test_replay_takes_the_answers_from_the_log() -> None:
    session = await play(AskingAgent("Which words?"), config=CONFIG, ask_user=User())
    found = replay(await session.records())
    assert (found.outcome, found.divergence) == ("identical", None)


async def test_after_three_questions_of_one_call_the_user_is_left_in_peace() -> None:
    agent, user = AskingAgent("a?", "b?", "c?", "d?", "a?"), User()
    session = await play(agent, config=CONFIG, ask_user=user)
    assert [question for question, _ in user.asked] == ["a?", "b?", "c?"]
    assert len(answered(session)) == MOST_QUESTIONS
    assert agent.told == ["that", "that", "that", GO_ON, "that"]


async def test_where_nobody_can_answer_the_agent_is_told_to_go_on_and_nothing_is_recorded() -> None:
    agent = AskingAgent("Which words?")
    session = await play(agent, config=CONFIG)
    assert agent.told == [GO_ON]
    assert answered(session) == []
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_a_user_who_says_nothing_leaves_it_to_the_agent_and_is_not_asked_again() -> None:
    agent, user = AskingAgent("Which words?", "Which words?"), User("  ")
    session = await play(agent, config=CONFIG, ask_user=user)
    assert agent.told == [GO_ON, GO_ON]
    assert len(user.asked) == 1
    assert answered(session) == [("Which words?", "")]


async def test_without_questions_in_the_settings_no_call_may_ask() -> None:
    agent, user = AskingAgent("Which words?"), User()
    await play(agent, config=TaskConfig(instruction="Count the words."), ask_user=user)
    assert (agent.told, user.asked) == ([], [])
    assert not any(call.may_ask for call in agent.calls)
    assert "AskUserQuestion" not in prompts(agent)[0]


async def test_only_the_first_attempt_of_a_planning_may_ask_and_the_next_is_told_the_answers() -> (
    None
):
    agent, user = AskingAgent("Which words?", plans=["no plan", PLAN_TEXT]), User("all of them")
    session = await play(agent, config=CONFIG, ask_user=user)
    first, second = prompts(agent)
    assert [call.may_ask for call in agent.calls] == [True, False, False]
    assert "AskUserQuestion" in first
    assert "all of them" not in first
    assert "AskUserQuestion" not in second
    assert '"question": "Which words?", "answer": "all of them"' in second
    assert replay(await session.records()).outcome == "identical"


async def test_what_was_answered_before_a_crash_is_told_even_where_nobody_can_be_asked_now() -> (
    None
):
    whole = await play(AskingAgent("Which words?"), config=CONFIG, ask_user=User("all of them"))
    records = await whole.records()
    names = [record.type for record in records]
    agent = AskingAgent()
    again = await play(
        agent,
        history=records[: names.index("QuestionAnswered") + 1],
        opening=[e.RunResumed(options={"questions": False})],
    )
    assert '"answer": "all of them"' in prompts(agent)[0]
    assert not agent.calls[0].may_ask
    assert replay(await again.records()).outcome == "identical"


async def test_what_the_user_says_is_made_valid_and_free_of_secrets_before_it_is_used() -> None:
    secret = "sk-ant-api03-" + "a1B2" * 20
    agent, user = AskingAgent(f"Is {secret} right?\0", "Which one?"), User(f"{secret}\ud800")
    session = await play(agent, config=CONFIG, ask_user=user)
    stored = "".join(record.payload.decode() for record in await session.records())
    assert secret not in stored
    assert secret not in str(user.asked)
    assert agent.told == ["[redacted:anthropic-key]\ufffd"] * 2
    assert user.asked[0][0] == "Is [redacted:anthropic-key] right?\ufffd"


async def test_a_call_that_is_tried_again_after_a_fault_does_not_ask_again() -> None:
    class Dropped(AskingAgent):
        dropped = False

        async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
            found = await super().ask(call, answer)
            if not self.dropped:
                self.dropped = True
                raise AgentUnavailable("network", "connection reset")
            return found

    agent, user = Dropped("Which words?"), User()
    session = await play(agent, config=CONFIG, ask_user=user)
    assert len(user.asked) == 1
    assert len(session.of(e.AgentRetried)) == 1


async def test_the_time_a_user_takes_is_not_working_time() -> None:
    clock = FakeClock()

    async def slow(question: str, options: Sequence[str]) -> str:
        await clock.sleep(3_600.0)
        return "this"

    limited = TaskConfig(instruction="Count the words.", questions=True, max_minutes=1.0)
    session = await play(AskingAgent("Which words?"), config=limited, ask_user=slow, clock=clock)
    assert isinstance(session.events[-1], e.TaskCompleted)


async def test_no_two_questions_stand_before_the_user_at_once() -> None:
    under_way, most = 0, 0

    async def user(key: CallKey, question: str, options: Sequence[str]) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        assert worked.deadline.when() is None, "the clock runs while the user thinks"
        await asyncio.sleep(0)
        under_way -= 1
        return question.upper()

    worked = WorkingTime(60.0)
    interview = Interview(CallKey("plan/0"), user, worked)
    async with worked.deadline:
        due = worked.deadline.when()
        decisions = await asyncio.gather(
            *(interview.before_tool(before(question), None, None) for question in ("a", "b", "c"))
        )
        now_due = worked.deadline.when()
        assert due is not None
        assert now_due is not None
        assert now_due >= due
    answers = [d["hookSpecificOutput"]["updatedInput"]["answers"] for d in decisions]
    assert answers == [{"a": "A"}, {"b": "B"}, {"c": "C"}]
    assert most == 1


def before(question: str) -> dict[str, Any]:
    asked = {"question": question, "options": [{"label": "x"}, {"label": "y"}]}
    return {"tool_input": {"questions": [asked]}}


async def test_where_the_user_cannot_be_asked_the_call_ends_and_its_agent_is_not_told() -> None:
    async def broken(key: CallKey, question: str, options: Sequence[str]) -> str:
        raise StoreError("the disk is full")

    worked = WorkingTime(60.0)
    interview = Interview(CallKey("plan/0"), broken, worked)
    hook = asyncio.ensure_future(interview.before_tool(before("a"), None, None))
    with pytest.raises(TimeoutError):
        async with worked.deadline:
            await hook
    assert hook.cancelled()
    assert isinstance(interview.failure, StoreError)


async def test_a_pause_may_outlast_the_call() -> None:
    worked = WorkingTime(60.0)
    async with worked.deadline:
        pause = worked.paused()
        pause.__enter__()
    pause.__exit__(None, None, None)
    assert worked.without_pauses(5) <= 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["questions", "question", "options", "label", "x"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_the_model_sends_as_questions_is_read_without_an_error(asked: Any) -> None:
    for question, labels in questions(asked):
        assert question.strip()
        assert all(label.strip() for label in labels)


def test_questions_are_read_with_their_labels() -> None:
    assert questions(before("a?")["tool_input"]) == [("a?", ["x", "y"])]


@pytest.mark.parametrize("asked", [None, [], {"questions": "no"}, {"questions": [{}, "a", 1]}])
def test_what_holds_no_question_asks_none(asked: Any) -> None:
    assert questions(asked) == []
