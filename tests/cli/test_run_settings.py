"""The table of settings: complete, without doubles, and true in both directions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

import maker
from maker.cli import configuration
from maker.cli.run import command, parse_args
from maker.cli.settings import SETTINGS
from maker.core.models import Simulation, TaskConfig
from maker.errors import ConfigError

SIMULATED = ("--agent", "simulated")
NOT_OPTIONS = {"instruction", "simulation", "named_models"}


def fields_of(kind: type, prefix: str = "") -> set[str]:
    return {prefix + field.name for field in msgspec.structs.fields(kind)}


def config_of(*args: str) -> TaskConfig:
    parameters = vars(parse_args(["task", *args]))
    return configuration.task_config(parameters, "task")


def test_every_setting_of_a_run_has_exactly_one_option() -> None:
    named = sorted(setting.field for setting in SETTINGS)
    wanted = (fields_of(TaskConfig) - NOT_OPTIONS) | fields_of(Simulation, "simulation.")
    assert named == sorted(wanted)


def test_every_option_has_a_line_of_help_under_a_heading() -> None:
    for parameter in command.params[1:]:
        assert getattr(parameter, "help", ""), parameter.name
        assert getattr(parameter, "section", ""), parameter.name


def test_without_options_the_defaults_of_the_library_hold_but_for_the_place() -> None:
    config, plain = config_of(), TaskConfig(instruction="task")
    differing = {
        name for name in fields_of(TaskConfig) if getattr(config, name) != getattr(plain, name)
    }
    assert differing == {"cwd", "questions"}
    assert (config.max_cost_usd, config.max_turns) == (5.0, 50)
    assert config.cwd == str(Path.cwd())


@pytest.mark.parametrize(
    ("args", "field", "value"),
    [
        (["--models", "a, b,a"], "models", ["a", "b"]),
        (["--voting", "first_to_k"], "voting_strategy", "first_to_k"),
        (["--quality-checks"], "enable_quality_checks", True),
        (["--no-questions"], "questions", False),
        (["--allow", "write,bash"], "allow", ["write", "bash"]),
        (["--allow", "web:SQLite.org, web"], "allow", ["web:sqlite.org", "web"]),
        (["--yes"], "allow", ["write", "bash", "external", "web"]),
        (["--tools", "Read,Grep"], "allowed_builtin_tools", ["Read", "Grep"]),
        (["--max-cost-usd", "none"], "max_cost_usd", None),
        (["--max-cost-usd", "0"], "max_cost_usd", 0.0),
        (["--max-tokens", "0"], "max_tokens", 0),
        (["--max-samples", "0"], "max_samples", 0),
        (["--max-minutes", "0"], "max_minutes", 0.0),
        (["--max-tokens", "none"], "max_tokens", None),
        (["--max-cost-usd", "$2.50"], "max_cost_usd", 2.5),
        (["--max-tokens", "1000"], "max_tokens", 1000),
        (["--call-timeout", "30"], "call_timeout_s", 30.0),
        (["--thinking", "4096"], "thinking", "4096"),
        ([*SIMULATED, "--seed", "3"], "simulation", Simulation(seed=3)),
        (["--add-dir", "/", "--add-dir", "/tmp"], "add_dirs", ["/", "/tmp"]),
    ],
)
def test_an_option_sets_its_field(args: list[str], field: str, value: Any) -> None:
    assert getattr(config_of(*args), field) == value


@pytest.mark.parametrize(
    "args",
    [
        ["--voting", "best"],
        ["--voting-k", "0"],
        ["--allow", "everything"],
        ["--allow", "web:https://sqlite.org/lang.html"],
        ["--allow", "web:*"],
        ["--max-cost-usd", "-1"],
        ["--max-cost-usd", "nan"],
        ["--max-tokens", "1.5"],
        ["--thinking", "12"],
        ["--thinking", "deeply"],
        ["--error-rate", "2"],
        ["--cwd", "/no/such/folder"],
        ["--call-timeout", "0"],
        ["--agent", "other"],
    ],
)
def test_an_option_with_a_senseless_value_is_refused(args: list[str]) -> None:
    with pytest.raises(click.BadParameter):
        config_of(*args)


@pytest.mark.parametrize("option", ["--seed", "--error-rate", "--flag-rate", "--delay-ms"])
def test_a_simulations_setting_without_a_simulation_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match="simulated agent"):
        config_of(option, "1")


def test_servers_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"search": {"command": "searcher"}}}')
    assert config_of("--mcp-config", str(path)).mcp_servers["search"]["command"] == "searcher"
    path.write_text("{}")
    with pytest.raises(ConfigError, match="mcpServers"):
        config_of("--mcp-config", str(path))


NEW_FIELD = (
    "    simulation: Simulation = Simulation()\n",
    "    simulation: Simulation = Simulation()\n"
    '    pace: Annotated[int, Setting(LIMITS, "Calls a minute.", at_least=1)] = 9\n',
)


@pytest.mark.slow
def test_a_field_with_its_setting_is_all_that_a_new_option_takes(tmp_path: Path) -> None:
    copy = tmp_path / "maker"
    shutil.copytree(Path(maker.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    source = copy / "core" / "config.py"
    text = source.read_text(encoding="utf-8")
    assert text.count(NEW_FIELD[0]) == 1
    source.write_text(text.replace(*NEW_FIELD), encoding="utf-8")

    def says(*args: str) -> str:
        command = [sys.executable, "-m", "maker", *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    assert re.search(r"--pace N +Calls a minute\. \[9\]  \[x>=1\]", says("run", "--help"))
    assert re.search(r"--pace N +Calls a minute\.  \[x>=1\]", says("resume", "--help"))
    assert "0 is not in the range x>=1" in says("run", "x", "--pace", "0")
