"""The planner asks the user of `maker run`, through the real CLI and on a pseudo-terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopback import LoopbackApi, Reply, Request, prompt, tool_results, tools_offered, use
from maker.core import events as e
from maker.store.queries import Reader

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

PLAN = """
reasoning: One step.
plan:
  - step: 0
    task_type: action_step
    title: count
    task_description: Count the words of ham.txt.
    output_variable: step_0_output
    output_schema: "{text: string}"
    next_step_sequence_number: -1
"""
ASKED = {
    "question": "Which \x1b[31mfile?",
    "header": "File",
    "multiSelect": False,
    "options": [
        {"label": "eggs.txt", "description": "the new one"},
        {"label": "ham.txt", "description": "the old one"},
    ],
}
PROMPT = "the agent decides"

Fork = Callable[..., Any]


def model(request: Request) -> str | Reply:
    """Asks before it plans where it may; the step counts to three."""
    if "Make the plan for this instruction" not in prompt(request):
        return '{"text": "three"}'
    if tools_offered(request) and not tool_results(request):
        return Reply([use("AskUserQuestion", questions=[ASKED])])
    return PLAN


class Asking:
    """`maker run` with a model behind it that asks."""

    def __init__(self, fork: Fork, folder: Path) -> None:
        self._fork, self._folder, self._database = fork, folder, folder / "maker.db"
        self.api = LoopbackApi(model)

    def run(self, *options: str, terminal: bool = True) -> Any:
        return self("run", "Count the words", *options, terminal=terminal)

    def __call__(self, *arguments: str, terminal: bool = True) -> Any:
        environ = self.api.environ(self._folder / "config")
        database = ("--db", str(self._database))
        return self._fork(*arguments, *database, terminal=terminal, **environ)

    def answered(self) -> list[tuple[str, str]]:
        with Reader(str(self._database)) as reader:
            records = reader.records(reader.resolve("@last"))
        log = [e.decode(record.payload) for record in records]
        return [(x.question, x.answer) for x in log if isinstance(x, e.QuestionAnswered)]


@pytest.fixture
def asking(fork: Fork, tmp_path: Path) -> Iterator[Asking]:
    found = Asking(fork, tmp_path)
    with found.api:
        yield found


def test_the_planners_question_is_asked_answered_and_recorded(asking: Asking) -> None:
    process = asking.run()
    for shown in ("Which file?", "eggs.txt", "ham.txt"):
        process.expect(shown)
    process.answer(PROMPT, "2")
    assert process.end() == (0, "three\n")
    assert [answer for _, answer in asking.answered()] == ["ham.txt"]
    told = [result for request in asking.api.requests for result in tool_results(request)]
    assert '="ham.txt"' in told[0]


def test_ctrl_c_at_the_question_pauses_the_run_and_a_resume_asks_it(asking: Asking) -> None:
    process = asking.run()
    process.expect(PROMPT)
    process.send(signal.SIGINT)
    assert process.end() == (130, "")
    assert asking.answered() == []
    process = asking("resume", "@last")
    process.answer(PROMPT, "1")
    assert process.end() == (0, "three\n")
    assert [answer for _, answer in asking.answered()] == ["eggs.txt"]


def test_no_questions_means_none(asking: Asking) -> None:
    code, _ = asking.run("--no-questions").end()
    assert (code, asking.answered()) == (0, [])
    assert not any("AskUserQuestion" in tools_offered(each) for each in asking.api.requests)


def test_without_a_terminal_nobody_is_asked(asking: Asking) -> None:
    code, _ = asking.run(terminal=False).end()
    assert (code, asking.answered()) == (0, [])
    assert not any("AskUserQuestion" in tools_offered(each) for each in asking.api.requests)
