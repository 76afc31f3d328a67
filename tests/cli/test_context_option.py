"""Data beside an instruction: --context, and what is piped; nothing is dropped in silence."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fakes import PLAN_TEXT
from maker.cli.context import FIRST_BYTE_S, gather
from maker.cli.main import main
from maker.core.models import MOST_CONTEXT_CHARACTERS
from maker.errors import ConfigError

if TYPE_CHECKING:
    from cli.conftest import Fork, Pipe

SIMULATED = ("--agent", "simulated")
READS = PLAN_TEXT.replace(
    "    output_variable", "    input_variables: [context]\n    output_variable"
)


class Done(NamedTuple):
    code: int
    err: str
    context: str
    prompts: list[str]


@pytest.fixture
def maker(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command line; what it recorded as context, and what a step was asked."""

    def run(*args: str) -> Done:
        code = main(["run", *args, *SIMULATED])
        err = capfd.readouterr().err
        if "run 0" not in err:
            return Done(code, err, "", [])
        main(["show", "@last", "--events", "--json"])
        events = json.loads(capfd.readouterr().out)["events"]
        main(["show", "@last", "--prompt", "step/0.0/0/0", "--json"])
        return Done(code, err, events[0]["context"], [json.loads(capfd.readouterr().out)["prompt"]])

    return run


def waits(answers: list[bool], waited: list[float | None]) -> Callable[[float | None], bool]:
    """A clock that answers at once what the next waits come to."""

    def ready(seconds: float | None) -> bool:
        waited.append(seconds)
        return answers.pop(0)

    return ready


def test_what_is_piped_beside_an_instruction_reaches_planner_and_steps(
    maker: Callable[..., Done], pipe: Pipe
) -> None:
    pipe(b"MAGICWORD boom at line 42\n")
    done = maker("Review this diff")
    assert done.code == 0
    assert done.context == "MAGICWORD boom at line 42\n"
    assert "<context>\nMAGICWORD boom at line 42\n</context>" in done.prompts[0]
    assert "goes along as context" in done.err
    assert "Review this diff (+ context: 26 characters)" in done.err


def test_a_file_as_standard_input_goes_along(
    maker: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.txt").write_text("boom")
    with (tmp_path / "log.txt").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert maker("Find the error").context == "boom"


def test_files_are_headed_by_their_names_and_what_is_piped_comes_last(
    maker: Callable[..., Done], pipe: Pipe, tmp_path: Path
) -> None:
    (tmp_path / "rules.md").write_text("Be kind.\n")
    pipe(b"a diff")
    done = maker("Review this diff", "--context", str(tmp_path / "rules.md"))
    assert done.context == (
        f"File {tmp_path}/rules.md (whole):\nBe kind.\n\n\nStandard input:\na diff"
    )


def test_a_pipe_can_be_asked_for_by_name(
    maker: Callable[..., Done], pipe: Pipe, tmp_path: Path
) -> None:
    (tmp_path / "rules.md").write_text("Be kind.")
    pipe(b"a diff")
    done = maker("Review", "--context", "-", "--context", str(tmp_path / "rules.md"))
    assert done.context.startswith("Standard input:\na diff\n\nFile ")


def test_a_pipe_that_says_nothing_is_waited_for_and_left(
    pipe: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(open_end=True)
    waited: list[float | None] = []
    assert gather([], None, pipe=True, ready=waits([False, False], waited)) == ""
    assert waited == [0.0, FIRST_BYTE_S]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "Waiting 5 s" in lines[0]
    assert "< /dev/null" in lines[0]
    assert "going on without it" in lines[1]
    assert "--context -" in lines[1]


def test_a_pipe_that_speaks_late_is_read_to_its_end(
    pipe: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(b"late, but whole")
    waited: list[float | None] = []
    assert gather([], None, pipe=True, ready=waits([False, True], waited)) == "late, but whole"
    assert waited == [0.0, FIRST_BYTE_S]
    assert "Waiting 5 s" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_a_pipe_without_anything_in_it_is_said(
    maker: Callable[..., Done], pipe: Pipe, data: bytes
) -> None:
    pipe(data)
    done = maker("Count")
    assert (done.code, done.context) == (0, "")
    assert "standard input is empty: going on without it" in done.err


def test_a_pipe_that_was_asked_for_by_name_must_hold_something(
    maker: Callable[..., Done], pipe: Pipe
) -> None:
    pipe()
    done = maker("Review", "--context", "-")
    assert done.code == 2
    assert "nothing came on the standard input" in done.err


def test_a_non_blocking_pipe_is_read_like_any_other(pipe: Pipe) -> None:
    pipe(b"x" * 5_000)
    os.set_blocking(sys.stdin.fileno(), False)
    assert gather([], None, pipe=True) == "x" * 5_000


@pytest.mark.parametrize("kind", ["socket", "device", "nothing"])
def test_what_is_no_pipe_and_no_file_is_not_read(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"not for maker")
    opened: dict[str, Any] = {
        "socket": ours.makefile("r"),
        "device": open(os.devnull),  # noqa: SIM115, PTH123
        "nothing": sys.stdin,  # pytest's own, which has no descriptor
    }
    monkeypatch.setattr(sys, "stdin", opened[kind])
    assert gather([], None, pipe=True) == ""
    assert capsys.readouterr().err == ""
    for stream in (ours, theirs, opened["socket"], opened["device"]):
        stream.close()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfed\x00i\x00f\x00f\x00", "not UTF-8 text"),
        (b"PK\x03\x04\x00\x00", "NUL"),
        (b"x" * (MOST_CONTEXT_CHARACTERS + 1), "400,000 characters fit"),
        ("é" * (MOST_CONTEXT_CHARACTERS + 1), "400,000 characters fit"),
        (b"\xc3" * (4 * MOST_CONTEXT_CHARACTERS + 9), "400,000 characters fit"),
    ],
)
def test_what_cannot_go_along_is_refused_before_a_run_is_made(
    maker: Callable[..., Done], tmp_path: Path, maker_home: Path, data: bytes | str, message: str
) -> None:
    file = tmp_path / "data"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    for args in (["--context", str(file)], ["--context", "-"], []):
        with file.open() as stdin, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            done = maker("Review", *args)
        assert done.code == 2
        assert message in done.err
        assert "let a step read" in done.err
        assert ("< /dev/null" in done.err) == (args != ["--context", str(file)])
        assert not maker_home.exists()


def test_a_standard_input_that_cannot_be_read_is_an_error_in_words(
    maker: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "out").open("w") as written:
        monkeypatch.setattr(sys, "stdin", written)
        done = maker("Count")
    assert done.code == 2
    assert "cannot read the standard input" in done.err
    assert "< /dev/null" in done.err


def test_the_longest_text_goes_along(pipe: Pipe, tmp_path: Path) -> None:
    text = "é" * MOST_CONTEXT_CHARACTERS
    (tmp_path / "data").write_text(text)
    with (tmp_path / "data").open() as stdin, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        assert gather([], None, pipe=True) == text


def test_texts_must_fit_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("x" * 250_000)
    with pytest.raises(ConfigError, match=r"/b is too long for the context") as refused:
        gather([tmp_path / "a", tmp_path / "b"], None, pipe=False)
    assert "excerpt" in refused.value.advice


def test_a_named_pipe_may_be_given_as_a_file(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a diff")
    os.close(writer)
    text = gather([Path(f"/dev/fd/{reader}")], None, pipe=False)
    os.close(reader)
    assert text.endswith("(whole):\na diff")


@pytest.mark.parametrize("args", [["-"], ["--plan", "-", "Count"]])
def test_the_standard_input_is_never_read_for_two_things(
    maker: Callable[..., Done], pipe: Pipe, args: list[str]
) -> None:
    pipe(b"one thing")
    done = maker(*args, "--context", "-")
    assert done.code == 2
    assert "read once" in done.err


def test_an_instruction_from_the_standard_input_is_no_context(
    maker: Callable[..., Done], pipe: Pipe
) -> None:
    pipe(b"Count the files\n")
    done = maker("-")
    assert (done.code, done.context) == (0, "")


def test_a_plan_from_the_standard_input_is_no_context(
    maker: Callable[..., Done], pipe: Pipe
) -> None:
    pipe(PLAN_TEXT.encode())
    done = maker("--plan", "-")
    assert (done.code, done.context) == (0, "")


@pytest.fixture
def reading(tmp_path: Path) -> str:
    (tmp_path / "reads.yaml").write_text(READS)
    return str(tmp_path / "reads.yaml")


@pytest.fixture
def blind(tmp_path: Path) -> str:
    (tmp_path / "blind.yaml").write_text(PLAN_TEXT)
    return str(tmp_path / "blind.yaml")


def test_its_steps_get_the_context_that_they_name(
    maker: Callable[..., Done], pipe: Pipe, reading: str
) -> None:
    pipe(b"a diff")
    done = maker("--plan", reading)
    assert done.code == 0
    assert "<context>\na diff\n</context>" in done.prompts[0]


def test_a_context_that_no_step_names_is_refused(
    maker: Callable[..., Done], blind: str, tmp_path: Path
) -> None:
    done = maker("--plan", blind, "--context", blind)
    assert done.code == 2
    assert "no step of the plan reads the context" in done.err


def test_a_pipe_that_no_step_names_is_not_read_but_said(
    maker: Callable[..., Done], pipe: Pipe, blind: str
) -> None:
    pipe(open_end=True)
    done = maker("--plan", blind)
    assert (done.code, done.context) == (0, "")
    assert "The standard input is not read: no step of the plan names `context`" in done.err


def test_a_context_that_is_missing_is_named(maker: Callable[..., Done], reading: str) -> None:
    done = maker("--plan", reading)
    assert done.code == 2
    assert "the plan reads `context`, but none was given" in done.err


def test_it_can_be_checked_without_the_data(
    reading: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--check", reading]) == 0
    assert "it reads `context`" in capfd.readouterr().err


def test_a_pipe_that_stays_open_is_read_to_its_end_unless_the_user_stops(fork: Fork) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"the beginning")
    process = fork("run", "Review", *SIMULATED, stdin=reader)
    process.expect("read to its end")
    process.send(signal.SIGINT)
    code, out = process.end()
    os.close(reader)
    os.close(writer)
    assert (code, out) == (130, "")
    assert "Traceback" not in process.err


def test_what_is_piped_to_a_resume_is_not_dropped_in_silence(
    pipe: Pipe, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "Count the words", "--dry-run", *SIMULATED]) == 0
    pipe(b"more data")
    assert main(["resume", "@last"]) == 0
    assert "The standard input is not read" in capfd.readouterr().err
