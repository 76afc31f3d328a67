"""Whole runs: `maker` as a process, the real SDK, the real CLI, a database, a scripted API."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from maker_process import PATIENCE_S, Maker, agents_of, ended, killed, replied, until

from fakes import FakeClock, plan, step
from loopback import Answer, Failure, LoopbackApi, Reply, Request, prompt, text, tool_results, use
from maker.core import events as e
from maker.core.models import Plan, TaskConfig
from maker.core.policy import CURRENT_SONNET
from maker.engine.orchestrator import Orchestrator
from maker.plan.costs import price_of
from maker.plan.plan_text import plan_to_yaml
from maker.tools.registry import ToolRegistry

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

COUNT = step(0, title="count the words", task_description="Count the words of: a b c.")
INSTRUCTION = "How many words are in note.txt?"
USD_PER_INPUT_TOKEN, USD_PER_OUTPUT_TOKEN = (usd / 1e6 for usd in price_of(CURRENT_SONNET))


@pytest.fixture
def start(live: Live, tmp_path: Path) -> Callable[[LoopbackApi], Maker]:
    """A maker that talks to a server, with a database and a home of its own."""

    def started(api: LoopbackApi) -> Maker:
        return Maker(tmp_path / "runs.db", live.cwd, api.environ(tmp_path / "config"))

    return started


def plan_file(live: Live, given: Plan) -> str:
    path = live.folder / "plan.yaml"
    path.write_text(plan_to_yaml(given), encoding="utf-8")
    return str(path)


def is_planners(request: Request) -> bool:
    return "<instruction>" in prompt(request)


def planned(request: Request, given: Plan) -> str | None:
    return plan_to_yaml(given) if is_planners(request) else None


READ_AND_ANSWER = plan(
    step(
        0,
        title="read the note",
        task_description="Read note.txt and give its text.",
        primary_tools=["Read"],
        primary_tool_instructions="Read note.txt once.",
        output_schema="{content: string}",
        next_step_sequence_number=1,
    ),
    step(
        1,
        title="answer",
        task_description='Say how many words "step_0_output.content" has, in a sentence.',
        input_variables=["step_0_output.content"],
        output_schema="{answer: string}",
    ),
)


def test_an_instruction_becomes_a_plan_and_steps_and_an_answer_on_stdout(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    note = live.cwd / "note.txt"
    note.write_text("alpha beta gamma")

    def script(request: Request) -> Answer:
        asked = prompt(request)
        if is_planners(request):
            return Reply([text(plan_to_yaml(READ_AND_ANSWER))], input_tokens=900, output_tokens=300)
        if "alpha beta gamma" in asked:
            return Reply([text('{"answer": "It has three words."}')], input_tokens=70)
        if found := tool_results(request):
            assert "alpha beta gamma" in found[0]
            return Reply([text('{"content": "alpha beta gamma"}')], output_tokens=11)
        return Reply([use("Read", file_path=str(note))], input_tokens=40)

    api = live.api(script)
    maker = start(api)
    done = maker("run", INSTRUCTION)
    assert (done.code, done.out) == (0, "It has three words.\n"), done.err
    end = maker.log()[-1]
    assert isinstance(end, e.TaskCompleted)
    assert len(api.billed) == 4
    spent = [reply.input_tokens * USD_PER_INPUT_TOKEN for reply in api.billed]
    spent += [reply.output_tokens * USD_PER_OUTPUT_TOKEN for reply in api.billed]
    assert end.total_cost_usd == pytest.approx(sum(spent))
    tokens = sum(reply.input_tokens + reply.output_tokens for reply in api.billed)
    assert (end.totals.tokens, end.totals.unpriced) == (tokens, 0)
    for word in ("status", "head", "resume", "show", "replay"):
        assert (word in done.err) == (word != "resume"), done.err
    assert "sk-ant-loopback" not in done.err


def test_the_samples_of_a_vote_run_at_the_same_time(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    everybody = threading.Barrier(3)

    def script(request: Request) -> Answer:
        everybody.wait(timeout=PATIENCE_S)
        return '{"n": 3}'

    api = live.api(script)
    maker = start(api)
    file = plan_file(live, plan(COUNT))
    voting = ("--voting", "first_to_k", "--voting-k", "3")
    # Under a cap the first call of a run goes ahead alone: nobody knows yet what one costs.
    done = maker("run", "--plan", file, *voting, "--max-cost-usd", "none")
    assert (done.code, api.peak) == (0, 3), done.err
    (vote,) = maker.of(e.VoteCompleted)
    assert isinstance(vote, e.VoteCompleted)
    assert (vote.samples, vote.margin) == (3, 3)


def test_a_kill_in_mid_vote_buys_nothing_twice_and_replays_without_a_server(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    third_is_asked, places = threading.Event(), itertools.count()

    def script(request: Request) -> Answer:
        if next(places) == 2:
            third_is_asked.set()
            api.closing.wait(PATIENCE_S)
        return '{"n": 3}'

    api = live.api(script)
    maker = start(api)
    file = plan_file(live, plan(COUNT))
    voting = ("--voting", "first_to_k", "--voting-k", "3")
    with maker.started("run", "--plan", file, *voting) as process:
        assert third_is_asked.wait(PATIENCE_S)
        until(lambda: len(replied(maker.log())) == 2, "two replies are recorded")
        killed(process)
    before = replied(maker.log())
    until(lambda: not agents_of(process.pid), "the agents of the killed maker are gone")
    done = maker("resume", "@last")
    assert done.code == 0, done.err
    assert len(api.requests) == 4
    keys = replied(maker.log())
    assert sorted(keys) == [f"step/0.0/0/{sample}" for sample in range(3)]
    assert keys[:2] == before
    api.__exit__()
    again = maker("replay", "@last")
    assert again.code == 0, again.err
    assert "identical" in again.out + again.err


def test_what_an_agent_of_a_killed_maker_left_running_is_ended_by_the_resume(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    begun = live.cwd / "begun"
    writing = plan(step(0, primary_tools=["Bash"], task_description="Serve the page."))

    def script(request: Request) -> Answer:
        if begun.exists():
            return '{"n": 3}'
        return Reply([use("Bash", command=f"setsid -f sleep 4324; touch {begun}; sleep 600")])

    maker = start(live.api(script))
    file = plan_file(live, writing)
    with maker.started("run", "--plan", file, "--allow", "bash") as process:
        until(begun.exists, "the agent has left something running")
        killed(process)
    until(lambda: len(agents_of(process.pid)) == 1, "only that is left")
    done = maker("resume", "@last", "--on-ambiguous", "retry")
    assert done.code == 0, done.err
    assert "ended what an agent of the dead session had left: sleep 4324" in done.err
    assert agents_of(process.pid) == []


def test_two_quick_ctrl_c_record_a_pause_and_leave_no_process(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    def hang(request: Request) -> Answer:
        api.closing.wait(PATIENCE_S)
        return ""

    api = live.api(hang)
    maker = start(api)
    file = plan_file(live, plan(COUNT))
    voting = ("--voting", "first_to_k", "--voting-k", "2", "--max-cost-usd", "none")
    with maker.started("run", "--plan", file, *voting) as process:
        until(lambda: api.in_flight == 2, "both samples are asked")
        agents = agents_of(process.pid)
        assert len(agents) == 2
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        done = ended(process)
    assert done.code == 130, done.err
    assert agents_of(process.pid) == []
    assert not [agent.pid for agent in agents if Path(f"/proc/{agent.pid}").exists()]
    last = maker.log()[-1]
    assert isinstance(last, e.RunPaused)
    assert last.reason == "signal"
    assert f"maker resume {maker.runs()[0]}" in done.err
    assert done.out == ""


def test_without_a_login_the_run_waits_and_resumes_after_it(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    answers: list[Answer] = [Failure(401, "authentication_error", "invalid x-api-key")]
    api = live.api(lambda request: answers.pop() if answers else '{"n": 3}')
    maker = start(api)
    done = maker("run", "--plan", plan_file(live, plan(COUNT)))
    assert done.code == 4, done.err
    assert "log" in done.err
    again = maker("resume", "@last")
    assert (again.code, again.out) == (0, "3\n"), again.err
    assert len(api.requests) == 2


def test_a_rate_limit_is_waited_out_and_recorded(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    limit = Failure(429, "rate_limit_error", "slow down", headers={"retry-after": "1"})
    answers: list[Answer] = [limit]
    api = live.api(lambda request: answers.pop() if answers else '{"n": 3}')
    maker = start(api)
    done = maker("run", "--plan", plan_file(live, plan(COUNT)))
    assert done.code == 0, done.err
    (retried,) = maker.of(e.AgentRetried)
    assert isinstance(retried, e.AgentRetried)
    assert (retried.kind, retried.key) == ("rate_limit", "step/0.0/0/0")
    assert retried.wait_s >= 1
    assert replied(maker.log()) == ["step/0.0/0/0"]


async def test_an_overload_without_end_pauses_the_run_after_its_waits(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maker.core.policy.MAX_WAITS", 2)
    api = live.api(lambda request: Failure(529, "overloaded_error"))
    clock = FakeClock()
    orchestrator = Orchestrator(
        TaskConfig(instruction="Count.", cwd=str(live.cwd)),
        ToolRegistry.with_defaults(),
        agent=live.runner(api),
        clock=clock,
    )
    opening = (orchestrator.submission(), e.PlanCreated(plan=plan(COUNT), origin="user"))
    events = [event async for event in orchestrator.run(*opening)]
    kinds = [event.kind for event in events if isinstance(event, e.AgentRetried)]
    assert kinds == ["overloaded"] * 3
    assert clock.waits == sorted(clock.waits)
    last = events[-1]
    assert isinstance(last, e.RunPaused)
    assert last.reason == "rate_limit"


def test_a_former_default_that_a_user_named_and_is_gone_is_replaced_with_a_word(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    def script(request: Request) -> Answer:
        if request["model"] == "claude-sonnet-4-5":
            return Failure(404, "not_found_error", "model: claude-sonnet-4-5")
        return planned(request, plan(COUNT)) or '{"n": 3}'

    api = live.api(script)
    maker = start(api)
    done = maker("run", "Count the words of: a b c.", "--model", "claude-sonnet-4-5")
    assert done.code == 0, done.err
    (fell_back,) = maker.of(e.ModelFellBack)
    assert isinstance(fell_back, e.ModelFellBack)
    assert (fell_back.model, fell_back.successor) == ("claude-sonnet-4-5", "claude-sonnet-5-5")
    models = [name for name, _ in itertools.groupby(r["model"] for r in api.requests)]
    assert models == ["claude-sonnet-4-5", "claude-sonnet-5-5"]
    assert "claude-sonnet-5-5" in done.err


def test_a_step_that_may_write_does_so_in_its_folder_only_and_no_memory_counts(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    (live.cwd / "CLAUDE.md").write_text("MARK-OF-MEMORY: answer in Latin")
    inside, outside = live.cwd / "canary.txt", live.folder / "canary.txt"
    writing = plan(
        step(
            0,
            title="write the canary",
            task_description="Write canary.txt.",
            primary_tools=["Write"],
            output_schema="{written: bool}",
        )
    )
    tried: list[str] = []

    def script(request: Request) -> Answer:
        if found := tool_results(request):
            tried.extend(found)
            return '{"written": true}'
        return planned(request, writing) or Reply(
            [use("Write", file_path=str(path), content="x") for path in (inside, outside)]
        )

    api = live.api(script)
    maker = start(api)
    done = maker("run", "Write canary.txt.", "--allow", "write", "--step-max-retries", "0")
    assert inside.read_text() == "x"
    assert not outside.exists()
    assert len(tried) == 2
    (flagged,) = maker.of(e.SampleRedFlagged)
    assert isinstance(flagged, e.SampleRedFlagged)
    assert (done.code, flagged.reason) == (1, "denied"), done.err
    assert "+canary.txt" in done.err
    assert "MARK-OF-MEMORY" not in json.dumps(api.requests)
    shutil.rmtree(live.cwd)


CITE = plan(
    step(
        0,
        title="cite the note",
        task_description="Read note.txt. Cite its second line and its page.",
        primary_tools=["Read"],
        output_schema="{file: path, line: line of file, words: quote of file, page: url}",
    )
)


def test_what_an_agent_made_up_is_found_out_and_what_a_command_refuses_is_told(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    note = live.cwd / "note.txt"
    note.write_text("alpha\nbeta   gamma, see https://docs.example/page.\n")
    right = {
        "file": "note.txt",
        "line": 2,
        "words": "beta gamma",
        "page": "https://docs.example/page",
    }
    answers = iter(
        [
            {**right, "file": "notes.txt"},
            {**right, "line": 3},
            {**right, "words": "beta delta"},
            {**right, "page": "https://docs.example/other"},
            {**right, "words": "beta"},
            right,
        ]
    )
    reasons = []

    def script(request: Request) -> Answer:
        if is_planners(request):
            return plan_to_yaml(CITE)
        if not tool_results(request):
            reasons.append(prompt(request).partition("<earlier_failure>")[2])
            return Reply([use("Read", file_path=str(note))])
        return json.dumps(next(answers))

    maker = start(live.api(script))
    both = "grep -q gamma || { echo only one word; exit 1; }"
    done = maker(
        "run", "Cite note.txt", "--allow", "bash", "--accept", both, "--step-max-retries", "5"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out) == right
    told = [
        "notes.txt does not exist",
        "has 2 lines",
        "do not stand in note.txt",
        "other",
        "only one",
    ]
    assert all(why in reason for why, reason in zip(told, reasons[1:], strict=True)), reasons
    flags = [event.reason for event in maker.log() if isinstance(event, e.SampleRedFlagged)]
    assert flags == ["evidence"] * 4 + ["refused"]
    note.unlink()
    assert maker("replay", "@last", "--strict").code == 0


def test_a_planner_looks_before_it_plans_and_asks_what_it_cannot_see(
    live: Live, start: Callable[[LoopbackApi], Maker]
) -> None:
    (live.cwd / "pyproject.toml").write_text('[project]\nversion = "3.1.4"\n')

    def script(request: Request) -> Answer:
        if not is_planners(request):
            return '{"n": 1}'
        offered = {tool["name"] for tool in request["tools"]}
        assert offered == {"Read", "Grep", "Glob"}, offered
        if not tool_results(request):
            return Reply([use("Read", file_path=str(live.cwd / "pyproject.toml"))])
        assert "3.1.4" in tool_results(request)[0]
        if "the patch version" in prompt(request):
            return plan_to_yaml(plan(COUNT))
        return '{"cannot": "Is the minor or the patch version to be raised from 3.1.4?"}'

    maker = start(live.api(script))
    paused = maker("run", "Say what the next version is")
    assert paused.code == 3, paused.err
    assert "Is the minor or the patch version to be raised from 3.1.4?" in paused.err
    assert '--answer "..."' in paused.err
    done = maker("resume", "@last", "--answer", "the patch version")
    assert done.code == 0, done.err
    assert maker("replay", "@last", "--strict").code == 0
