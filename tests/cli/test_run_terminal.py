"""A process on a pseudo-terminal: the live view, and consent to effects."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import WRITING_PLAN
from maker.cli.main import main

EDITOR = """\
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.write_text(path.read_text().replace("[Write]", "[TOOL]"))
"""
QUESTION = "[r]un, [e]dit, [v]iew, [s]top?"

Fork = Callable[..., Any]


@pytest.fixture
def writing(fork: Fork, tmp_path: Path) -> Fork:
    """Starts a run whose plan writes, so that it needs consent."""
    plan = tmp_path / "plan.yaml"
    plan.write_text(WRITING_PLAN)

    def start(**environ: str) -> Any:
        return fork("run", "--plan", str(plan), "--agent", "simulated", terminal=True, **environ)

    return start


def editor(tmp_path: Path, tool: str) -> str:
    """An editor that puts this tool into the plan."""
    script = tmp_path / "editor.py"
    script.write_text(EDITOR.replace("TOOL", tool))
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"


def test_the_live_view_shows_plan_samples_and_votes(fork: Fork) -> None:
    voting = ("--voting", "first_to_k", "--voting-k", "3", "--delay-ms", "200")
    process = fork("run", "Count", "--agent", "simulated", *voting, terminal=True)
    process.expect("planning")
    process.expect("assess the task")
    process.expect("3 agree, margin 3")
    assert process.end() == (0, "simulated answer\n")
    assert "✓ 1 answer the task" in process.err
    assert "status    completed" in process.err


def test_a_terminal_that_can_do_nothing_gets_plain_lines(fork: Fork) -> None:
    process = fork("run", "Count", "--agent", "simulated", terminal=True, TERM="dumb")
    assert process.end()[0] == 0
    assert "Step 0 completed" in process.err


def test_consent_to_run_carries_the_plan_out(writing: Fork) -> None:
    process = writing()
    process.expect("effects: write")
    process.expect("> Write the file notes.txt.")
    process.expect("It would:\n  write files in the working folder")
    process.answer(QUESTION, "r")
    assert process.end() == (0, "simulated path\n")


def test_only_the_exact_words_and_letters_count_as_an_answer(writing: Fork) -> None:
    process = writing()
    for line in ("reject", "refuse, this is dangerous", "runaway", "r!", "", "yes", "rr"):
        process.answer(QUESTION, line)
        process.expect("Please type one of these words")
    process.answer(QUESTION, "  RUN ")
    assert process.end() == (0, "simulated path\n")


@pytest.mark.parametrize("early", ["r\n", "run\nrun\n", "r", "\x04"])
def test_what_was_typed_before_the_question_appeared_is_no_answer(
    writing: Fork, early: str
) -> None:
    process = writing()
    process.type(early)
    process.answer(QUESTION, "")
    process.expect("Please type one of these words")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


def test_the_rest_of_a_pasted_text_answers_no_later_question(writing: Fork) -> None:
    process = writing()
    process.answer(QUESTION, "no, wait\nr")
    process.expect("Please type one of these words")
    process.answer(QUESTION, "stop")
    assert process.end()[0] == 3


def test_a_long_text_is_folded_at_the_question_and_viewed_on_demand(
    fork: Fork, tmp_path: Path
) -> None:
    told = "\n".join(f"      Write line {number}." for number in range(1, 41))
    path = tmp_path / "long.yaml"
    path.write_text(WRITING_PLAN.replace("      Write the file notes.txt.", told))
    process = fork("run", "--plan", str(path), "--agent", "simulated", terminal=True)
    process.expect("... 28 more lines: v shows them all")
    assert "Write line 40." not in process.err
    process.answer(QUESTION, "view")
    process.expect("> Write line 40.")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


def test_the_question_comes_after_all_that_happened_before_it(writing: Fork) -> None:
    process = writing()
    process.expect("0 of 1 step could be voted on")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


def test_consent_refused_pauses_the_run(writing: Fork) -> None:
    process = writing()
    process.answer(QUESTION, "s")
    assert process.end() == (3, "")
    assert "paused: approval" in process.err
    assert "--allow write\n" in process.err


def test_the_end_of_the_input_is_no_consent(writing: Fork) -> None:
    process = writing()
    process.answer(QUESTION, "\x04")
    assert process.end()[0] == 3


def test_an_edited_plan_takes_the_place_of_the_first(
    writing: Fork, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = writing(EDITOR=editor(tmp_path, "Bash"), VISUAL="")
    process.answer(QUESTION, "e")
    process.expect("It would:\n  run shell commands")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3
    assert main(["resume", "@last", "--allow", "bash"]) == 0
    assert "Step 0 completed" in capfd.readouterr().err


def test_a_broken_edit_is_shown_at_its_line_and_can_be_discarded(
    writing: Fork, tmp_path: Path
) -> None:
    process = writing(VISUAL=editor(tmp_path, "Wriet"))
    process.answer(QUESTION, "e")
    process.expect("line 9, step 0")
    for line in ("delete it", "exit"):
        process.answer("[e]dit again, [d]iscard the changes?", line)
        process.expect("first letter: edit, discard")
    process.answer("[e]dit again, [d]iscard the changes?", "d")
    process.expect("effects: write")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [("b'x' * 2_000_001", "more than 2,000,000 bytes"), (r"b'\xff'", "is not UTF-8 text")],
)
def test_an_edit_that_cannot_be_read_can_be_mended_or_discarded(
    writing: Fork, tmp_path: Path, content: str, told: str
) -> None:
    script = tmp_path / "editor.py"
    script.write_text(f"import pathlib, sys\npathlib.Path(sys.argv[1]).write_bytes({content})\n")
    process = writing(VISUAL=f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")
    process.answer(QUESTION, "e")
    process.expect(told)
    process.answer("[e]dit again, [d]iscard the changes?", "d")
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


@pytest.mark.parametrize(
    ("program", "told"),
    [("/no/such/editor", "Set $EDITOR."), ("false", "code 1"), ("true", "as it was")],
)
def test_an_editor_that_changes_nothing_leaves_the_plan(
    writing: Fork, program: str, told: str
) -> None:
    process = writing(VISUAL=program)
    process.answer(QUESTION, "e")
    process.expect(told)
    process.answer(QUESTION, "s")
    assert process.end()[0] == 3


def test_ctrl_c_at_the_question_pauses_the_run(writing: Fork) -> None:
    process = writing()
    process.expect(QUESTION)
    process.send(signal.SIGINT)
    assert process.end() == (130, "")
    assert "maker resume" in process.err
