"""How a session ends: exit codes, the command that goes on, changed files, answers to questions."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import config, plan, play, step
from maker.cli import changes
from maker.cli.reference import reference
from maker.cli.terminal import TerminalQuestions, chosen
from maker.cli.view import report
from maker.cli.view.viewers import Quiet
from maker.core import events as e
from maker.core.fold import fold
from maker.core.models import AgentCall, AgentReply, RunId, TaskConfig, Totals
from maker.core.state import RunState
from maker.errors import Exit, MakerError

RUN = RunId("01a20457-8196-737e-9971-049cbc852d2d")
HEAD = (7, bytes(32))


def ended(*events: e.Event, **settings: object) -> RunState:
    config = TaskConfig(instruction="x", **settings)  # type: ignore[arg-type]
    return fold([e.TaskSubmitted(instruction="x", config=config), *events])


COMPLETED = e.TaskCompleted(result={}, total_cost_usd=0.0, total_duration_ms=0)


@pytest.mark.parametrize(
    ("event", "signum", "code"),
    [
        (COMPLETED, None, 0),
        (e.TaskFailed(error="no"), None, 1),
        (e.RunCancelled(), None, 1),
        (e.RunPaused(reason="dry_run"), None, 0),
        (e.RunPaused(reason="model"), None, 2),
        (e.RunPaused(reason="approval"), None, 3),
        (e.RunPaused(reason="question"), None, 3),
        (e.RunPaused(reason="ambiguous"), None, 3),
        (e.RunPaused(reason="tools"), None, 3),
        (e.RunPaused(reason="mcp"), None, 3),
        (e.RunPaused(reason="login"), None, 4),
        (e.RunPaused(reason="billing"), None, 4),
        (e.RunPaused(reason="cli"), None, 4),
        (e.RunPaused(reason="budget"), None, 5),
        (e.RunPaused(reason="rate_limit"), None, 75),
        (e.RunPaused(reason="network"), None, 75),
        (e.RunPaused(reason="signal"), signal.SIGINT, 130),
        (e.RunPaused(reason="signal"), signal.SIGTERM, 143),
        (e.RunPaused(reason="budget"), signal.SIGINT, 5),
    ],
)
def test_every_end_has_its_exit_code(event: e.Event, signum: int | None, code: int) -> None:
    assert report.exit_code(ended(event), signum) == code


@pytest.mark.parametrize(
    ("event", "settings", "more"),
    [
        (e.RunPaused(reason="ambiguous"), {}, " --on-ambiguous retry"),
        (e.RunPaused(reason="undecided"), {}, " --choose NUMBER"),
        (e.RunPaused(reason="dry_run"), {}, ""),
        (e.RunPaused(reason="budget"), {"max_minutes": 1.5}, " --max-minutes 3"),
        (e.TaskFailed(error="no"), {}, ""),
    ],
)
def test_the_resume_command_brings_what_was_missing(
    event: e.Event, settings: dict[str, object], more: str
) -> None:
    command = report.resume_command(RUN, ended(event, **settings), None)
    assert command == f"maker resume {RUN}{more}"


def test_the_cap_that_was_reached_is_the_one_to_raise() -> None:
    state = ended(e.RunPaused(reason="budget"), max_cost_usd=2.0, max_samples=10)
    state.totals = Totals(cost_usd=1.0, samples=10)
    assert report.resume_command(RUN, state, None).endswith("--max-samples 20")
    state.totals = Totals(cost_usd=2.1, samples=3)
    assert report.resume_command(RUN, state, None).endswith("--max-cost-usd 4")


def test_what_is_over_has_no_resume_command() -> None:
    assert report.resume_command(RUN, ended(COMPLETED), None) == ""
    assert report.resume_command(RUN, ended(e.RunCancelled()), None) == ""


def test_a_password_is_never_printed() -> None:
    url = "postgresql://me:secret-word@host/runs"
    lines = report.last_lines(RUN, ended(COMPLETED), HEAD, url, files="", db=url)
    assert "secret-word" not in "\n".join(lines)


def test_replies_without_a_price_are_not_hidden_in_the_total() -> None:
    state = ended(COMPLETED)
    state.totals = Totals(cost_usd=0.5, unpriced=2)
    lines = report.last_lines(RUN, state, HEAD, "/x.db", files="", db=None)
    assert any("and 2 replies of unknown cost" in line for line in lines)


def test_the_first_line_names_the_source_of_the_credentials_but_no_value() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-ant-secret", "HOME": "/nowhere"}
    line = report.first_line(RUN, TaskConfig(instruction="x", max_cost_usd=5.0), environ)
    assert "credentials: ANTHROPIC_API_KEY; cap $5.00; costs are estimated at list price" in line
    assert "sk-ant" not in line


def test_changed_files_are_named_with_what_became_of_them(tmp_path: Path) -> None:
    for name in ("kept", "changed", "gone"):
        (tmp_path / name).write_text(name)
    before = changes.snapshot(str(tmp_path))
    (tmp_path / "changed").write_text("something longer")
    (tmp_path / "gone").unlink()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ne\x07w").write_text("")
    after = changes.snapshot(str(tmp_path))
    assert changes.difference(before, after) == "3 changed: ~changed, +folder/new, -gone"
    assert changes.difference(after, after) == "none changed"


def test_a_folder_with_too_many_files_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_FILES", 2)
    for number in range(3):
        (tmp_path / str(number)).touch()
    assert changes.snapshot(str(tmp_path)) is None
    assert "not compared" in changes.difference(None, {})


@pytest.mark.parametrize(
    ("line", "answer"),
    [("2", "blue"), ("3", "3"), ("0", "0"), ("green", "green"), ("", ""), ("²", "²")],
)
def test_an_option_is_chosen_by_its_number(line: str, answer: str) -> None:
    assert chosen(line, ["red", "blue"]) == answer


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as stdin; what is written to it is typed."""
    outer, inner = pty.openpty()
    with open(inner, encoding="utf-8") as stdin:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", stdin)
        yield outer
    os.close(outer)


async def nothing_to_wait_for() -> None:
    """All is on the screen."""


async def told(keyboard: int, line: bytes, question: str, *options: str) -> str:
    """What the question gives when this is typed after it was put."""
    asked = asyncio.ensure_future(
        TerminalQuestions(Quiet(), nothing_to_wait_for)(question, options)
    )
    await asyncio.sleep(0)  # until it waits for the terminal
    os.write(keyboard, line)
    return await asked


async def test_a_question_is_put_with_its_options_and_waits_for_the_answer(
    keyboard: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await told(keyboard, b"2\n", "Which \x1b[2Jcolour?", "red\x07", "blue") == "blue"
    shown = capfd.readouterr().err
    assert "A question:\n> Which colour?\n" in shown
    assert "  1  red\n  2  blue\n" in shown


async def test_no_question_of_an_agent_can_pass_for_one_of_maker(
    keyboard: int, capfd: pytest.CaptureFixture[str]
) -> None:
    ours = "[r]un, [e]dit, [v]iew, [s]top? "
    evil = f"Which?\r\n\n{'x' * 200} {ours}\x1b[A\u202e"
    assert await told(keyboard, b"1\n", evil, f"red {'y' * 97} {ours}") != ""
    shown = capfd.readouterr().err.splitlines()
    assert all(line.startswith(("> ", "     ")) for line in shown if "[r]un" in line)
    assert all(len(line) <= 100 and line.isprintable() for line in shown)


async def test_what_was_typed_before_a_question_is_not_its_answer(keyboard: int) -> None:
    os.write(keyboard, b"the old thing\nand mo")
    assert select.select([sys.stdin], [], [], 20)[0], "what was typed has not arrived"
    assert await told(keyboard, b"green is fine\n", "Which colour?") == "green is fine"


async def test_the_end_of_the_input_leaves_the_question_to_the_agent(keyboard: int) -> None:
    assert await told(keyboard, b"\x04", "Which colour?") == ""


def test_every_error_ends_with_a_code_that_the_reference_explains() -> None:
    def errors(kind: type[MakerError]) -> list[type[MakerError]]:
        return [kind, *(found for inner in kind.__subclasses__() for found in errors(inner))]

    assert all(isinstance(kind.exit_code, Exit) for kind in errors(MakerError))
    assert {Exit.of_signal(n) for n in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)} == {
        Exit.HANGUP,
        Exit.INTERRUPTED,
        Exit.TERMINATED,
    }
    assert all(f"\n| {code:d} | {code.meaning} |\n" in reference() for code in Exit)


async def test_a_host_that_was_refused_can_be_allowed_by_the_command_that_resumes() -> None:
    def script(call: AgentCall) -> AgentReply:
        url = "https://docs.rs/serde/latest"
        return AgentReply(text='{"n": 1}', denied=("WebFetch",), denied_paths=(url,))

    session = await play(
        script,
        config=config(allow=["web:sqlite.org"], step_max_retries=0),
        given=plan(step(primary_tools=["WebFetch"])),
    )
    assert session.orchestrator is not None
    state = session.orchestrator.state
    assert state.status == "failed"
    command = report.resume_command(RUN, state, None)
    assert command == f"maker resume {RUN} --allow web:docs.rs"
