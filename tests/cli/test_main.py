"""The entry point: which words are commands, what is loaded, how errors end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from maker import errors as maker_errors
from maker.cli import errors, main

HEAVY = ("claude_agent_sdk", "sqlalchemy", "alembic", "rich", "msgspec", "asyncio", "yaml")


def ran(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """`maker` as a process of its own."""
    command = [sys.executable, "-m", "maker", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def test_maker_alone_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == 0
    shown = capsys.readouterr().out
    for name, (_, line) in main.COMMANDS.items():
        assert name in shown
        assert line in shown


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("maker 0.")


def test_the_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from maker.cli.main import main; main(['--help']);"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["run", "Compare", "the", "files"], 'in quotes: maker run "Compare the files"'),
        (["plan", "Compare", "them"], 'in quotes: maker plan "Compare them"'),
        (["plan"], "as in: maker plan "),
        (["plan", "x", "--yaml", "--json"], "Choose one of --yaml and --json"),
        (["demo", "crsh"], "'crash'"),
        (["demo", "--disks", "many"], "not a valid whole number"),
        (["run", "x", "--max-tokens", "1.5"], "neither a whole number nor none"),
        (["run", "x", "--max-minutes", "nan"], "is no amount"),
        (["run", "x", "--error-rate", "0.1"], "add --agent simulated"),
    ],
)
def test_a_usage_error_says_what_to_write_instead(
    args: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(args) == 2
    assert hint in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["histroy"], "'history'"),
        (["resum", "@last"], "'resume'"),
        (["xyzzy"], "maker run"),
        (["several words", "--model", "x"], 'maker run "several words"'),
        (["\x1b[2Jhistory"], '"history"'),
    ],
)
def test_an_unknown_word_is_a_usage_error_with_a_suggestion(
    args: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(args) == 2
    shown = capsys.readouterr()
    assert hint in shown.err
    assert shown.out == ""
    assert "\x1b" not in shown.err


def test_several_words_alone_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    context = main.program.make_context("maker", ["count the files"], resilient_parsing=True)
    name, command, args = main.program.resolve_command(context, ["count the files"])
    assert name == "run"
    assert command is not None
    assert command.make_context("run", args).params["instruction"] == "count the files"


def fails_with(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (maker_errors.ConfigError("no\x1b[2J good", advice="Do better."), 2, "Error: no good\nDo"),
        (maker_errors.LogDamaged("event 3 was changed", seq=3), 6, "event 3"),
        (maker_errors.AgentNotReady("login", "not logged in"), 4, "not logged in"),
        (click.UsageError("wrong"), 2, "wrong"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
)
def test_an_expected_error_becomes_words_and_an_exit_code(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errors.guarded(fails_with(error)) == code
    assert told in capsys.readouterr().err


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        errors.guarded(fails_with(ZeroDivisionError()))


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "maker", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert done.returncode == maker_errors.Exit.BROKEN_PIPE
    assert done.stderr == ""


def test_the_attributes_of_the_module_are_found_late() -> None:
    assert main.format_event is not None
    with pytest.raises(AttributeError):
        _ = main.nothing_of_the_kind
