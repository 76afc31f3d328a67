"""The default model is the current one; a model that a user named is used as it is named."""

from __future__ import annotations

import json

import msgspec
import pytest

from fakes import ScriptedAgent, config, plan, play, step
from maker.cli.main import main
from maker.core.config import DEFAULT_MODEL
from maker.core.models import TaskConfig
from maker.core.policy import CURRENT_SONNET, pinned


async def test_the_default_model_is_pinned_when_a_run_is_submitted() -> None:
    agent = ScriptedAgent(lambda call: '{"n": 1}')
    session = await play(agent, config=config(), given=plan(step()))
    assert {call.model for call in agent.calls} == {CURRENT_SONNET}
    submitted = (await session.log())[0]
    assert msgspec.to_builtins(submitted)["config"]["model"] == CURRENT_SONNET


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (CURRENT_SONNET, None)),
        ({"model": "claude-opus-5"}, ("claude-opus-5", None)),
        ({"model": DEFAULT_MODEL, "named_models": ["model"]}, (DEFAULT_MODEL, None)),
        ({"planner_model": DEFAULT_MODEL}, (CURRENT_SONNET, CURRENT_SONNET)),
        (
            {"planner_model": DEFAULT_MODEL, "named_models": ["planner_model"]},
            (CURRENT_SONNET, DEFAULT_MODEL),
        ),
    ],
)
def test_only_a_default_name_is_replaced(
    settings: dict[str, object], expected: tuple[str, str | None]
) -> None:
    chosen = pinned(config(**settings))
    assert (chosen.model, chosen.planner_model) == expected


@pytest.mark.parametrize(
    ("args", "model"), [([], CURRENT_SONNET), (["--model", DEFAULT_MODEL], DEFAULT_MODEL)]
)
def test_a_default_name_on_the_command_line_means_what_it_says(
    args: list[str], model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", "x", "--agent", "simulated", "--dry-run", *args])
    capsys.readouterr()
    main(["show", "@last", "--json"])
    assert json.loads(capsys.readouterr().out)["model"] == model


def test_the_default_of_the_library_is_the_name_that_it_always_was() -> None:
    assert TaskConfig(instruction="x").model == "claude-sonnet-4-5"
