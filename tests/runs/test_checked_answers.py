"""Answers that programs look at before they count."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from fakes import FakeChecker, Play, ScriptedAgent, chained, config, plan, play, reply, step
from maker.core import events as e
from maker.core.checking import Check, Verdict
from maker.core.models import AgentCall, Plan, Repeat, TaskConfig
from maker.core.version import RULES
from maker.engine.checking import AnswerChecker, function_name
from maker.errors import ConfigError, RunMustPause
from maker.inspect.replay import replay
from maker.steps.checks import digest

FILES = "{file: path, line: line of file}"


def answers(*texts: str) -> ScriptedAgent:
    """An agent that says these things, one after another, then the last one again."""
    left = list(texts)
    return ScriptedAgent(lambda call: left.pop(0) if len(left) > 1 else left[0])


def last_flags(run: Play) -> list[tuple[str, str]]:
    return [(event.reason, event.detail) for event in run.of(e.SampleRedFlagged)]


async def checked(agent: ScriptedAgent, given: Plan, folder: Path, **changes: object) -> Play:
    settings = config(cwd=str(folder), **changes)
    return await play(agent, config=settings, given=given, checker=AnswerChecker({}, ()))


async def test_a_path_that_was_made_up_is_a_flag_and_the_next_try_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    agent = answers('{"file": "b.py", "line": 1}', '{"file": "a.py", "line": 1}')
    run = await checked(agent, plan(step(output_schema=FILES)), tmp_path)
    assert last_flags(run) == [("evidence", "file: b.py does not exist in the working folder")]
    assert "b.py does not exist" in agent.calls[1].prompt
    assert run.of(e.StepCompleted)[0].output == {"file": "a.py", "line": 1}


async def test_replay_needs_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    agent = answers('{"file": "a.py", "line": 9}', '{"file": "a.py", "line": 1}')
    run = await checked(agent, plan(step(output_schema=FILES)), tmp_path)
    (tmp_path / "a.py").unlink()
    assert replay(await run.records()).outcome == "identical"


async def test_a_verdict_on_an_answer_that_nobody_gave_diverges(tmp_path: Path) -> None:
    run = await play(answers('{"n": 1}'), config=accepting(), given=plan(), checker=FakeChecker())
    log = [
        msgspec.structs.replace(event, answer="0" * 64)
        if isinstance(event, e.AnswerChecked)
        else event
        for event in await run.log()
    ]
    found = replay(chained(map(e.encode, log)))
    assert found.outcome == "diverged"
    assert found.divergence is not None
    assert found.divergence.event == "AnswerChecked"


async def test_equal_answers_are_checked_once_and_what_is_refused_does_not_vote() -> None:
    checker = FakeChecker(lambda output: "1 is wrong" if output == {"n": 1} else "")
    agent = answers('{"n": 1}', '{"n": 1}', '{"n": 2}', '{"n": 2}')
    settings = accepting(voting_strategy="majority", voting_n=3)
    run = await play(agent, config=settings, given=plan(), checker=checker)
    assert [check.output for check in checker.checks] == [{"n": 1}, {"n": 2}]
    assert run.of(e.StepCompleted)[-1].output == {"n": 2}
    assert {reason for reason, _ in last_flags(run)} == {"refused"}


async def test_a_flagged_reply_is_not_checked() -> None:
    checker = FakeChecker()
    await play(answers("junk", '{"n": 1}'), config=accepting(), given=plan(), checker=checker)
    assert [check.output for check in checker.checks] == [{"n": 1}]


async def test_a_check_that_was_recorded_is_not_done_again_after_a_crash() -> None:
    run = await play(answers('{"n": 1}'), config=accepting(), given=plan(), checker=FakeChecker())
    records = await run.records()
    types = [record.type for record in records]
    upto = types.index("AnswerChecked") + 1
    for cut, expected in ((upto, 0), (upto - 1, 1)):
        checker, agent = FakeChecker(), answers('{"n": 1}')
        again = await play(agent, history=records[:cut], opening=[e.RunResumed()], checker=checker)
        assert len(checker.checks) == expected
        assert agent.calls == []
        assert again.of(e.TaskCompleted)


async def test_the_runs_commands_judge_what_acts_and_what_ends_and_a_plans_own_its_step() -> None:
    given = plan(
        step(0, next_step_sequence_number=1),
        step(1, next_step_sequence_number=2, primary_tools=["Write"]),
        step(2, next_step_sequence_number=3, accept=["make own"]),
        step(3),
    )
    checker = FakeChecker()
    settings = config(accept=["make test"], allow=["write", "bash"])
    await play(answers('{"n": 1}'), config=settings, given=given, checker=checker)
    assert [check.commands for check in checker.checks] == [
        ("make test",),
        ("make own",),
        ("make test",),
    ]


async def test_of_a_repeated_step_the_runs_commands_judge_the_last_pass_alone() -> None:
    passes = Repeat(until="done", max_iterations=3)
    given = plan(step(output_schema="{done: bool}", repeat=passes))
    checker = FakeChecker()
    agent = answers('{"done": false}', '{"done": true}')
    await play(agent, config=accepting(), given=given, checker=checker)
    assert [check.output for check in checker.checks] == [{"done": True}]


@pytest.mark.parametrize("settings", [{"accept": ["make test"]}, {}])
async def test_commands_need_the_grant_bash_and_the_pause_says_them(
    settings: dict[str, object],
) -> None:
    given = plan() if settings else plan(step(accept=["make test"]))
    checker, agent = FakeChecker(), answers('{"n": 1}')
    run = await play(agent, config=config(**settings), given=given, checker=checker)
    paused = run.of(e.RunPaused)[-1]
    assert paused.reason == "approval"
    assert "bash (answers must be accepted by `make test`)" in paused.detail
    assert agent.calls == []
    assert checker.checks == []


async def test_a_function_that_accepts_needs_no_grant() -> None:
    def is_even(answer: dict[str, int]) -> str | None:
        return None if answer["n"] % 2 == 0 else f"{answer['n']} is odd"

    name = function_name(is_even)
    run = await play(
        answers('{"n": 1}', '{"n": 2}'),
        config=config(accept=[name]),
        given=plan(),
        checker=AnswerChecker({}, (), {name: is_even}),
    )
    assert last_flags(run) == [("refused", f"{name.removeprefix('function:')}: 1 is odd")]
    assert run.of(e.StepCompleted)[0].output == {"n": 2}


async def test_a_function_that_is_missing_or_broken_pauses_the_run() -> None:
    def broken(answer: object) -> str:
        raise TypeError("no such thing")

    for functions, why in (({}, "was not given"), ({"function:f": broken}, "raised TypeError")):
        run = await play(
            answers('{"n": 1}'),
            config=config(accept=["function:f"]),
            given=plan(),
            checker=AnswerChecker({}, (), functions),
        )
        assert run.of(e.RunPaused)[-1].reason == "settings"
        assert why in run.of(e.RunPaused)[-1].detail


async def test_a_command_that_cannot_be_run_costs_no_retry() -> None:
    async def cannot(check: Check, session: str) -> Verdict:
        raise RunMustPause("settings", "`mak test` cannot be run")

    agent = answers('{"n": 1}')
    run = await play(agent, config=accepting(), given=plan(), checker=cannot)
    assert len(agent.calls) == 1
    checker = FakeChecker()
    resumed = e.RunResumed(options={"accept": ["make check"]}, rules=RULES)
    again = await play(agent, history=await run.records(), opening=[resumed], checker=checker)
    assert len(agent.calls) == 1, "the reply that was paid for is judged by the mended command"
    assert [check.commands for check in checker.checks] == [("make check",)]
    assert again.of(e.TaskCompleted)


async def test_a_wrong_count_is_a_flag_that_needs_no_look_at_anything() -> None:
    given = plan(step(output_schema="{files: [string], many: count of files}"))
    agent = answers('{"files": ["a", "b"], "many": 3}', '{"files": ["a", "b"], "many": 2}')
    run = await play(agent, given=given, checker=FakeChecker())
    assert last_flags(run) == [("evidence", "many is 3, but 2 are listed")]
    assert not run.of(e.AnswerChecked)


async def test_a_url_must_have_been_given_or_shown() -> None:
    def script(call: AgentCall) -> object:
        number = len(agent.calls)
        page = ["https://a.example/made-up", "https://a.example/Page/", "https://b.example/x"][
            number - 1
        ]
        shown = ("https://b.example/x",) if number == 3 else ()
        return msgspec.structs.replace(reply(json.dumps({"page": page})), urls=shown)

    agent = ScriptedAgent(script)  # type: ignore[arg-type]
    settings = config(instruction="Read https://a.example/page.")
    given = plan(
        step(0, output_schema="{page: url}", next_step_sequence_number=1),
        step(1, output_schema="{page: url}"),
    )
    run = await play(agent, config=settings, given=given)
    assert [reason for reason, _ in last_flags(run)] == ["evidence"]
    assert [event.output["page"] for event in run.of(e.StepCompleted)] == [
        "https://a.example/Page/",
        "https://b.example/x",
    ]


async def test_an_agent_that_cannot_look_is_not_held_to_files() -> None:
    settings = config(agent="simulated")
    agent = answers('{"file": "made-up", "line": 7}')
    run = await play(agent, config=settings, given=plan(step(output_schema=FILES)))
    assert run.of(e.TaskCompleted)


async def test_a_secret_that_a_command_prints_is_not_kept() -> None:
    checker = FakeChecker(lambda output: "login failed for hunter2-hunter2")
    run = await play(
        answers('{"n": 1}'),
        config=accepting(step_max_retries=0),
        given=plan(),
        checker=checker,
        secrets=["hunter2-hunter2"],
    )
    assert run.of(e.AnswerChecked)
    assert not any(b"hunter2" in record.payload for record in await run.records())


def test_an_empty_command_is_no_command() -> None:
    with pytest.raises(ConfigError, match="empty"):
        config(accept=["make test", " "])


def test_the_identity_of_an_answer_is_its_value() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def accepting(**changes: object) -> TaskConfig:
    return config(accept=["make test"], allow=["bash"], **changes)
