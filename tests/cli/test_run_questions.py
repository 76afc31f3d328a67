"""The planner asks the user of `maker run`, through the real CLI and on a pseudo-terminal."""

from __future__ import annotations

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
    output_schema: "{n: int}"
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
        return '{"n": 3}'
    if tools_offered(request) and not tool_results(request):
        return Reply([use("AskUserQuestion", questions=[ASKED])])
    return PLAN


class Asking:
    """`maker run` with a model behind it that asks."""

    def __init__(self, fork: Fork, folder: Path) -> None:
        self._fork, self._folder, self._database = fork, folder, folder / "maker.db"
        self.api = LoopbackApi(model)

    def run(self, *options: str, terminal: bool = True) -> Any:
        arguments = ("run", "Count the words", "--db", str(self._database), *options)
        environ = self.api.environ(self._folder / "config")
        return self._fork(*arguments, terminal=terminal, **environ)

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


@pytest.mark.parametrize(
    ("typed", "meant"), [("2", "ham.txt"), ("Both, please", "Both, please"), ("", "")]
)
def test_the_planners_question_is_asked_answered_and_recorded(
    asking: Asking, typed: str, meant: str
) -> None:
    process = asking.run()
    process.expect("Which file?")
    assert "eggs.txt" in process.err
    process.answer(PROMPT, typed)
    code, out = process.end()
    assert (code, out) == (0, "3\n"), process.err
    assert [answer for _, answer in asking.answered()] == [meant]
    told = str([tool_results(request) for request in asking.api.requests])
    assert (meant or "best judgement") in told


def test_no_questions_means_none(asking: Asking) -> None:
    code, _ = asking.run("--no-questions").end()
    assert (code, asking.answered()) == (0, [])
    assert not any(tools_offered(request) for request in asking.api.requests)


def test_without_a_terminal_nobody_is_asked(asking: Asking) -> None:
    code, _ = asking.run(terminal=False).end()
    assert (code, asking.answered()) == (0, [])
    assert not any(tools_offered(request) for request in asking.api.requests)
