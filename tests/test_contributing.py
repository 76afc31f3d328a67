"""The table "To add ..." of CONTRIBUTING.md, held true: each thing is added, in a copy, in just the
files that its row names, and is there.

Events, their fields and settings have tests of their own (test_upcast.py, test_run_settings.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maker

pytestmark = pytest.mark.slow


class Copy:
    """A copy of the package that can be changed, and run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(maker.__file__).parent, folder / "maker", ignore=ignored)

    def put(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file once; without one, the file is new."""
        path = self._folder / "maker" / name
        text = path.read_text(encoding="utf-8") if old else ""
        assert not old or text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new) if old else new, encoding="utf-8")

    def says(self, *args: str) -> str:
        """What the changed program prints."""
        done = subprocess.run(
            [sys.executable, "-m", "maker", *args],
            cwd=self._folder,
            env={**os.environ, "MAKER_HOME": str(self._folder / "home")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_command_is_its_module_and_a_line(copy: Copy) -> None:
    copy.put(
        "cli/greet.py",
        "",
        "import click\n\n\n"
        "@click.command()\n"
        "def command():\n"
        '    "Greet."\n'
        '    click.echo("good day")\n',
    )
    line = '    "doctor": ('
    copy.put("cli/main.py", line, f'    "greet": ("maker.cli.greet", "Greet."),\n{line}')
    assert "good day" in copy.says("greet")
    assert "Greet." in copy.says("--help")


def test_a_check_of_plans_is_a_row_and_a_function(copy: Copy, tmp_path: Path) -> None:
    copy.put(
        "plan/shape_checks.py",
        "def disjoint_tools(",
        'def polite(view: PlanView) -> Iterator[Finding]:\n    """Plans say please."""\n'
        "    for step in view.plan.steps:\n"
        '        if "please" not in step.task_description:\n'
        '            yield found(step, "it does not say please", field="task_description")\n'
        "\n\ndef disjoint_tools(",
    )
    row = '    Check(\n        name="disjoint-tools",'
    copy.put(
        "plan/check_table.py",
        row,
        '    Check(\n        name="polite",\n        find=shape_checks.polite,\n'
        f'        teach="Say please.",\n        fix="Say it.",\n    ),\n{row}',
    )
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "reasoning: r\nplan:\n  - step: 0\n    task_type: action_step\n    title: t\n"
        '    task_description: do it\n    output_schema: "{n: int}"\n'
        "    next_step_sequence_number: -1\n"
    )
    said = copy.says("plan", "--check", str(plan))
    assert "it does not say please (polite)" in said
    plan.write_text(plan.read_text().replace("do it", "please do it"))
    assert "polite" not in copy.says("plan", "--check", str(plan))


def test_a_voting_strategy_is_a_class_beside_the_others(copy: Copy) -> None:
    name = "core/strategies.py"
    copy.put(
        name,
        'Strategy = Literal["none", "majority", "first_to_k"]',
        'Strategy = Literal["none", "majority", "first_to_k", "unanimous"]',
    )
    copy.put(
        name,
        "def named(",
        "@dataclass(frozen=True, slots=True)\n"
        "class Unanimous(Majority):\n"
        '    name: ClassVar[Strategy] = "unanimous"  # type: ignore[misc]\n\n'
        "    @property\n"
        "    def words(self) -> str:\n"
        '        return f"all {self.n} alike"\n\n'
        "    @property\n"
        "    def quorum(self) -> int:\n"
        "        return self.n\n\n"
        "    def extended(self, times: int) -> VotingStrategy:\n"
        "        return self\n\n\ndef named(",
    )
    copy.put(
        name,
        '        case "first_to_k":\n',
        '        case "unanimous":\n            return Unanimous(n)\n        case "first_to_k":\n',
    )
    said = copy.says("run", "Say it", "--agent", "simulated", "--voting", "unanimous")
    assert "all 3 alike" in said
    assert "3 agree" in said


def test_an_agent_is_its_module_its_kind_and_where_it_is_chosen(copy: Copy) -> None:
    copy.put(
        "agents/echo.py",
        "",
        "from maker.agents.simulated import SimulatedAgent\n\n\n"
        "class EchoAgent(SimulatedAgent):\n"
        "    async def ask(self, call, answer=None):\n"
        "        reply = await super().ask(call)\n"
        '        return type(reply)(text=reply.text.replace("simulated", "echoed"))\n',
    )
    copy.put(
        "core/kinds.py",
        'AgentName: TypeAlias = Literal["claude", "simulated"]',
        'AgentName: TypeAlias = Literal["claude", "simulated", "echo"]',
    )
    copy.put(
        "core/kinds.py",
        '        AgentKind(name="claude"),\n',
        '        AgentKind(name="claude"),\n'
        '        AgentKind(name="echo", is_paid=False, uses_tools=False, needs_login=False),\n',
    )
    choice = '    if config.agent == "simulated":\n'
    copy.put(
        "app.py",
        choice,
        '    if config.agent == "echo":\n'
        "        from maker.agents.echo import EchoAgent\n\n"
        f"        return EchoAgent(config.simulation, clock)\n{choice}",
    )
    said = copy.says("run", "Say it", "--agent", "echo")
    assert "echo agent, nothing is bought" in said
    assert "echoed answer" in said
