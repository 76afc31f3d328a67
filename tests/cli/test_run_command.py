"""`maker run` and `maker resume` from the instruction to the answer, with the simulated agent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fakes import WRITING_PLAN
from maker.cli.main import main

if TYPE_CHECKING:
    from cli.conftest import Pipe

SIMULATED = ("--agent", "simulated")
BAD_PLAN = WRITING_PLAN.replace("[Write]", "[Wriet]").replace("number: -1", "number: 5")


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def run(self) -> str:
        """The run id of the first line."""
        found = re.match(r"run ([0-9a-f-]{36}): ", self.err)
        assert found, self.err
        return found[1]


class Maker:
    """The command line in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *args: str) -> Done:
        code = main(list(args))
        shown = self._capture.readouterr()
        return Done(code, shown.out, shown.err)


@pytest.fixture
def maker(capfd: pytest.CaptureFixture[str]) -> Maker:
    return Maker(capfd)


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(WRITING_PLAN)
    return path


def test_stdout_carries_only_the_answer(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED)
    assert done.code == 0
    assert done.out == "simulated answer\n"


def test_the_first_line_names_run_agent_and_cap(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED, "--max-cost-usd", "2")
    assert "simulated agent, nothing is bought; cap $2.00" in done.err.splitlines()[0]


def test_only_none_lifts_the_cap(maker: Maker) -> None:
    assert "no cap" in maker("run", "Count", *SIMULATED, "--max-cost-usd", "none").err


@pytest.mark.parametrize(
    ("cap", "more"),
    [
        ("--max-cost-usd", "--max-cost-usd 5"),
        ("--max-tokens", "--max-tokens none"),
        ("--max-samples", "--max-samples none"),
        ("--max-minutes", "--max-minutes none"),
    ],
)
def test_where_nothing_may_be_used_nobody_is_asked(maker: Maker, cap: str, more: str) -> None:
    done = maker("run", "Count", *SIMULATED, cap, "0")
    assert done.code == 5
    assert "(0 samples, 0 tokens)" in done.err
    assert f"maker resume {done.run} {more}\n" in done.err
    assert maker("resume", "@last", *more.split()).code == 0


def test_the_last_lines_say_how_it_ended_and_how_to_look_at_it(
    maker: Maker, maker_home: Path
) -> None:
    done = maker("run", "Count the files", *SIMULATED)
    last = dict(line.split(maxsplit=1) for line in done.err.splitlines()[-6:])
    assert list(last) == ["status", "cost", "head", "database", "show", "replay"]
    assert last["status"] == "completed"
    assert "simulated" in last["cost"]
    assert re.match(r"[0-9a-f]{64} \(event \d+\)", last["head"])
    assert last["database"] == str(maker_home / "maker.db")
    assert last["replay"] == f"maker replay {done.run}"


def test_after_validation_one_line_tells_what_could_be_voted_on(maker: Maker) -> None:
    assert "1 of 2 steps could be voted on" in maker("run", "Count", *SIMULATED).err
    voted = maker("run", "Count", *SIMULATED, "--voting", "majority", "--voting-n", "5")
    assert "1 of 2 steps voted on: majority of 5" in voted.err


def test_quietly_a_run_that_goes_well_says_its_answer_alone(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED, "--quiet")
    assert (done.code, done.out, done.err) == (0, "simulated answer\n", "")
    paused = maker("run", "Count the files", *SIMULATED, "--quiet", "--max-samples", "0")
    assert "Step 0" not in paused.err
    assert "status    paused: budget" in paused.err


def test_json_prints_every_event_in_order_and_nothing_else(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED, "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "TaskSubmitted"
    assert events[-1]["type"] == "TaskCompleted"
    assert events[-1]["result"]["output"] == {"answer": "simulated answer"}


def test_the_answer_can_go_to_a_file(maker: Maker, tmp_path: Path) -> None:
    done = maker("run", "Count the files", *SIMULATED, "-o", str(tmp_path / "answer.txt"))
    assert done.out == ""
    assert (tmp_path / "answer.txt").read_text() == "simulated answer\n"


def test_a_folder_that_is_not_there_is_told_before_anything_runs(
    maker: Maker, tmp_path: Path
) -> None:
    done = maker("run", "Count", *SIMULATED, "-o", str(tmp_path / "none" / "answer.txt"))
    assert done.code == 2
    assert "there is no folder" in done.err
    assert "run 0" not in done.err


def test_the_instruction_can_come_from_the_standard_input(maker: Maker, pipe: Pipe) -> None:
    pipe("Zähle die Dateien\n".encode())
    assert "Task submitted: Zähle die Dateien" in maker("run", "-", *SIMULATED).err


def test_without_an_instruction_the_usage_is_told(maker: Maker) -> None:
    done = maker("run", *SIMULATED)
    assert done.code == 2
    assert "Say what is to be done" in done.err


def test_a_plan_is_carried_out_without_an_instruction(maker: Maker, plan_file: Path) -> None:
    done = maker("run", "--plan", str(plan_file), *SIMULATED, "--yes")
    assert done.code == 0
    assert "Plan given by the user: 1 step" in done.err
    assert "Planner" not in done.err


def test_a_bad_plan_is_refused_with_its_lines_and_no_run_is_made(
    maker: Maker, plan_file: Path, maker_home: Path
) -> None:
    plan_file.write_text(BAD_PLAN)
    done = maker("run", "--plan", str(plan_file), *SIMULATED)
    assert done.code == 2
    assert "line 9, step 0" in done.err
    assert "line 12, step 0" in done.err
    assert not (maker_home / "maker.db").exists()


def test_effects_without_anyone_to_ask_pause_the_run_with_code_3(
    maker: Maker, plan_file: Path
) -> None:
    done = maker("run", "--plan", str(plan_file), *SIMULATED)
    assert done.code == 3
    assert done.out == ""
    assert f"resume    maker resume {done.run} --allow write\n" in done.err
    assert maker("resume", "@last").code == 3
    resumed = maker("resume", done.run[-8:], "--allow", "write")
    assert resumed.code == 0
    assert resumed.out == "simulated path\n"


def test_a_pause_for_approval_suggests_just_the_grants_that_are_missing(
    maker: Maker, plan_file: Path
) -> None:
    plan_file.write_text(WRITING_PLAN.replace("[Write]", "[Write, Bash]"))
    done = maker("run", "--plan", str(plan_file), *SIMULATED, "--allow", "write")
    assert "It would:\n  run shell commands, which nothing confines\nstatus" in done.err
    assert f"resume    maker resume {done.run} --allow bash\n" in done.err
    resumed = maker("resume", done.run, "--allow", "bash")
    assert resumed.out == "simulated path\n", "what was allowed before is allowed still"


FETCHING_PLAN = WRITING_PLAN.replace("[Write]", "[WebFetch]").replace(
    "Write the file notes.txt.", "Fetch https://docs.python.org/3/ and https://sqlite.org/."
)


def test_hosts_are_asked_for_by_name_and_agreed_to_by_name(maker: Maker, plan_file: Path) -> None:
    plan_file.write_text(FETCHING_PLAN)
    done = maker("run", "Look into sqlite.org", "--plan", str(plan_file), *SIMULATED)
    assert done.code == 3
    assert f"resume    maker resume {done.run} --allow web:docs.python.org\n" in done.err
    assert "> Fetch https://docs.python.org/3/ and https://sqlite.org/." in done.err
    assert maker("resume", done.run, "--allow", "web:docs.python.org").code == 0


def test_the_words_of_a_plan_file_allow_nothing(maker: Maker, plan_file: Path) -> None:
    words = "See https://docs.python.org/3/, https://sqlite.org/ and /etc/shadow."
    plan_file.write_text(FETCHING_PLAN.replace("One step writes the file.", words))
    done = maker("run", "--plan", str(plan_file), *SIMULATED)
    assert done.code == 3
    assert "--allow web:docs.python.org,web:sqlite.org\n" in done.err
    submitted = json.loads(maker("show", done.run, "--events", "--json").out)["events"][0]
    assert submitted["instruction"] == "Carry out the given plan."


def test_a_grant_that_is_none_is_refused_with_those_that_are(maker: Maker) -> None:
    done = maker("run", "Count", *SIMULATED, "--allow", "web:https://sqlite.org/lang.html")
    assert done.code == 2
    assert "web:HOST with a host alone, as in web:sqlite.org" in " ".join(done.err.split())


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_what_agents_with_effects_are_told_is_on_stderr_when_a_plan_waits(
    maker: Maker, plan_file: Path, how: tuple[str, ...]
) -> None:
    told = "\n".join(f"      Write line {number}." for number in range(1, 41))
    plan_file.write_text(WRITING_PLAN.replace("      Write the file notes.txt.", told))
    done = maker("run", "--plan", str(plan_file), *SIMULATED, *how)
    assert "> Write line 1.\n" in done.err
    assert f"... 28 more lines: maker show {done.run} --plan" in done.err
    assert "Write line 40." in maker("show", done.run, "--plan").out


def test_a_plan_that_is_looked_at_tells_all_that_its_agents_are_told(
    maker: Maker, plan_file: Path
) -> None:
    told = "\n".join(f"      Write line {number}." for number in range(1, 41))
    plan_file.write_text(WRITING_PLAN.replace("      Write the file notes.txt.", told))
    assert "> Write line 40.\n" in maker("plan", "--check", str(plan_file)).out


def test_a_dry_run_ends_well_and_its_plan_is_carried_out_by_resume(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED, "--dry-run")
    assert (done.code, done.out) == (0, "")
    assert "Plan: 2 steps" in done.err
    resumed = maker("resume", "@last")
    assert resumed.out == "simulated answer\n"
    assert "Planner" not in resumed.err


def test_a_cap_pauses_with_code_5_and_a_higher_one_goes_on(maker: Maker) -> None:
    done = maker("run", "Count the files", *SIMULATED, "--max-samples", "1")
    assert done.code == 5
    assert f"maker resume {done.run} --max-samples 2" in done.err
    resumed = maker("resume", "@last", "--max-samples", "2")
    assert resumed.code == 0
    assert "(2 samples," in resumed.err


def test_a_completed_run_is_not_run_again(maker: Maker) -> None:
    first = maker("run", "Count the files", *SIMULATED)
    again = maker("resume", "@last")
    assert again.code == 0
    assert again.out == first.out
    assert "nothing left to do" in again.err
    finished = json.loads(maker("resume", "@last", "--json").out)
    assert finished["type"] == "TaskCompleted"


def test_only_the_settings_that_are_given_change_on_resume(maker: Maker) -> None:
    maker("run", "Count", *SIMULATED, "--dry-run", "--voting", "first_to_k", "--seed", "7")
    events = maker("resume", "@last", "--delay-ms", "1", "--voting-k", "3", "--json").out
    resumed = json.loads(events.splitlines()[0])
    assert resumed["type"] == "RunResumed"
    simulation = {"seed": 7, "error_rate": 0.0, "flag_rate": 0.0, "delay_ms": 1}
    assert resumed["options"] == {"voting_k": 3, "simulation": simulation}


def test_no_such_run_is_a_usage_error(maker: Maker) -> None:
    for reference in ("@last", "12345678", "what?"):
        done = maker("resume", reference)
        assert done.code == 2
        assert done.err.startswith("Error: ")


def test_a_cancelled_run_cannot_be_resumed(maker: Maker) -> None:
    maker("run", "Count the files", *SIMULATED, "--dry-run")
    assert maker("cancel", "@last").code == 0
    done = maker("resume", "@last")
    assert done.code == 2
    assert "was cancelled" in done.err


def test_a_failed_task_ends_with_code_1_and_can_be_resumed(maker: Maker) -> None:
    done = maker("run", "Count", *SIMULATED, "--flag-rate", "1", "--step-max-retries", "0")
    assert done.code == 1
    assert done.out == ""
    assert f"resume    maker resume {done.run}" in done.err
    assert maker("resume", "@last", "--flag-rate", "0").code == 0


def test_a_database_can_be_named_and_stays_in_the_commands(maker: Maker, tmp_path: Path) -> None:
    place = str(tmp_path / "other place.db")
    done = maker("run", "Count", *SIMULATED, "--db", place)
    assert f"show      maker show {done.run} --db '{place}'" in done.err
    assert maker("resume", "@last", "--db", place).code == 0


def test_hostile_instructions_reach_the_terminal_harmless(maker: Maker) -> None:
    done = maker("run", "Count \x1b[2J\u202efiles", *SIMULATED)
    assert done.code == 0
    assert all(line.isprintable() for line in done.err.splitlines())
