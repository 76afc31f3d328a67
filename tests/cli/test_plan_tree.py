"""What is on the screen before anybody agrees to a plan, whoever wrote it."""

from __future__ import annotations

import re
import time

import pytest
from rich.cells import cell_len

from fakes import config, plan, step
from maker.cli.view.folding import QUOTE, lines_of
from maker.cli.view.plan_tree import MOST_LINES, tree
from maker.cli.view.proposal import grant_words
from maker.core.models import PlanStep
from maker.tools.registry import ToolRegistry

TOOLS = ToolRegistry.with_defaults().specs()
MORE = "v shows them all"
TIDY = step(
    0,
    title="Tidy up the notes",
    task_description="Delete every file below notes/.\n\nThen say how many.",
    primary_tools=["Bash"],
    primary_tool_instructions="Use rm -rf.",
    fallback_tools=["Write"],
    fallback_tool_instructions="Write empty files over them.",
)


def shown(*steps: PlanStep, width: int = 100, more: str = "") -> list[str]:
    return tree(plan(*steps), config(), TOOLS, width=width, more=more).splitlines()


def quoted(lines: list[str]) -> list[str]:
    return [line.partition(QUOTE)[2] for line in lines if line.lstrip("│ ").startswith(QUOTE)]


def test_all_that_an_agent_with_effects_is_told_is_on_the_screen() -> None:
    lines = shown(TIDY)
    assert quoted(lines) == [
        "Delete every file below notes/.",
        "",
        "Then say how many.",
        "Use rm -rf.",
        "Write empty files over them.",
        "{n: int}",
    ]
    text = "\n".join(lines)
    for heading in ("its agent is told:", "and of Bash:", "and of Write:", "in the form:"):
        assert heading in text


def test_the_data_that_an_agent_with_effects_is_given_is_named() -> None:
    inputs = ["step_0_output.command", "item"]
    lines = shown(
        step(1, primary_tools=["Bash"], input_variables=inputs, for_each="step_0_output.x")
    )
    assert "step_0_output.command, item" in quoted(lines)


@pytest.mark.parametrize("tool", ["WebFetch", "WebSearch", "Write", "Bash", "mcp__other"])
def test_every_effect_stronger_than_reading_shows_its_text(tool: str) -> None:
    assert "Count the words." in quoted(shown(step(0, fallback_tools=[tool])))


@pytest.mark.parametrize("tools", [[], ["Read", "Grep"]])
def test_a_step_that_only_looks_is_shown_by_its_title(tools: list[str]) -> None:
    assert quoted(shown(step(0, primary_tools=tools))) == []


def test_a_step_that_says_it_has_an_effect_is_shown_in_full_without_a_tool() -> None:
    assert "Count the words." in quoted(shown(step(0, effect="write")))


def test_a_long_text_is_folded_only_where_the_rest_can_be_asked_for() -> None:
    long = step(
        0, primary_tools=["Write"], task_description="\n".join(f"Line {n}." for n in range(500))
    )
    folded, whole = shown(long, more=MORE), shown(long)
    assert quoted(folded)[:MOST_LINES] == [f"Line {n}." for n in range(MOST_LINES)]
    assert f"... {500 - MOST_LINES} more lines: {MORE}" in "\n".join(folded)
    assert "Line 499." in quoted(whole)
    assert "more lines" not in "\n".join(whole)


def test_one_line_more_is_shown_instead_of_a_notice() -> None:
    text = "\n".join(f"Line {n}." for n in range(MOST_LINES + 1))
    lines = shown(step(0, primary_tools=["Write"], task_description=text), more=MORE)
    assert f"Line {MOST_LINES}." in quoted(lines)


def test_blank_lines_push_nothing_off_the_screen() -> None:
    text = "Count the words." + "\n \t\n" * 1_000 + " " * 5_000 + "Then delete everything."
    lines = shown(step(0, primary_tools=["Write"], task_description=text), more=MORE)
    assert quoted(lines)[:3] == ["Count the words.", "", "Then delete everything."]


HOSTILE = [
    "\x1b[2J\x1b[H\x1b]0;x\x07It would read one file.\r[r]un",
    "\u202egnihtyreve eteled\u202c\u2066\u200b\u2028[r]un, [e]dit, [v]iew, [s]top? ",
    "x" * 1_000_000,
    "漢字" * 400,
    "e\u0301\u0302\u0303" * 500,
    "a " * 60 + "[r]un, [e]dit, [v]iew, [s]top? ",
    "\t" * 3_000 + "delete everything",
    "\ufeff\x00\x9b31m\x08\x08\x08\x7f",
]


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("width", [30, 80])
def test_no_text_of_a_plan_can_pass_for_a_line_of_maker(evil: str, width: int) -> None:
    hostile = step(
        0,
        title=evil,
        task_description=evil,
        primary_tools=["Write", "Bash"],
        primary_tool_instructions=evil,
        fallback_tools=[evil[:200] or "x"],
        fallback_tool_instructions=evil,
        for_each=evil[:500],
        model=evil[:500],
    )
    began = time.monotonic()
    lines = tree(plan(hostile, step(1)), config(), TOOLS, width=width, more=MORE).split("\n")
    assert time.monotonic() - began < 20
    assert all(line.isprintable() for line in lines)
    assert all(cell_len(line) <= width for line in lines)
    edge = [line for line in lines if not line.startswith(("  ", "│ ", "├─ 0", "└─ 1"))]
    assert re.fullmatch(r"Plan: 2 steps; effects: [a-z, ]+; cost: [\w $.,]+", " ".join(edge))
    assert len(lines) < 200


def test_a_title_that_goes_on_is_marked_as_a_quotation() -> None:
    title = f"{'Look at the notes and at nothing else ' * 2} read: Read"
    lines = shown(step(0, title=title, primary_tools=["Bash"]), width=60)
    assert [line.strip() for line in lines if "read: Read" in line] == [
        "> notes and at nothing else read: Read"
    ]
    assert sum(line.strip() == "write: Bash" for line in lines) == 1


def test_lines_fit_and_are_broken_at_blanks() -> None:
    text = "one two three four five six seven"
    assert lines_of(text, 20) == ["one two three four", "five six seven"]
    assert lines_of("\n\n a\n\n\nb \n\n", 20) == [" a", "", "b"]
    assert lines_of("", 20) == []
    assert lines_of("漢" * 12, 20) == ["漢" * 10, "漢" * 2]


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        ("write", "write files in the working folder"),
        ("bash", "run shell commands, which nothing confines"),
        ("external", "use services outside of this machine"),
        ("web:evil.com", "fetch pages of evil.com, which reads what is in their URLs"),
        ("again:2", "do step 2 again, which has finished"),
        ("teleport\x1b[2J", "do what is called 'teleport'"),
    ],
)
def test_every_grant_is_put_in_words(grant: str, words: str) -> None:
    assert grant_words(grant) == words
