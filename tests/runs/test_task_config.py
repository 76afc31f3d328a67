"""Settings that make no sense are refused by name, whoever gives them."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import RUN, plan, play
from maker.app import Changes, resume
from maker.core import events as e
from maker.core.entrance import purified
from maker.core.models import TaskConfig
from maker.core.text import clean
from maker.errors import ConfigError, LogDamaged


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voting_n", "3"),
        ("voting_n", True),
        ("instruction", 3),
        ("models", "a"),
        ("max_cost_usd", "5"),
        ("mcp_servers", []),
        ("allow", "write"),
        ("allowed_builtin_tools", "Read"),
        ("cwd", None),
        ("agent", "gpt"),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        TaskConfig(**{"instruction": "Count.", name: value})
    assert refused.value.field == name


@pytest.mark.parametrize("word", ["everything", "web:sqlite.org/x", "web:", "read"])
def test_what_cannot_be_agreed_to_is_refused_with_what_can(word: str) -> None:
    with pytest.raises(ConfigError, match="cannot allow") as refused:
        TaskConfig(instruction="Count.", allow=["web:sqlite.org", word])
    assert "web:HOST" in refused.value.advice


@pytest.mark.parametrize(
    "options", [{"max_cost_usd": "x"}, {"nonsense": 1}, {"voting_n": 0}, {"simulation": {"x": 1}}]
)
async def test_options_of_a_resume_are_refused_before_anything_is_written(
    options: dict[str, Any],
) -> None:
    first = await play(lambda call: '{"cannot": "so"}', given=plan())
    events = len(await first.records())
    with pytest.raises(ConfigError):
        await resume(RUN, Changes(options=options), store=first.store)
    assert len(await first.records()) == events


def test_an_event_with_settings_that_make_no_sense_is_damage_not_a_users_mistake() -> None:
    stored = b'{"type":"TaskSubmitted","instruction":"x","config":{"instruction":" "}}'
    with pytest.raises(LogDamaged):
        e.decode(stored)


def test_every_text_at_the_entrance_is_made_valid_wherever_it_stands() -> None:
    servers = {"odd\ud800": {"command": "x", "args": ["\ud800"]}}
    pure = purified(e.RunResumed(options={"mcp_servers": servers}), clean)
    assert e.decode(e.encode(pure)) == pure


def test_an_instruction_that_is_a_whole_document_is_refused() -> None:
    with pytest.raises(ConfigError, match="100,000"):
        TaskConfig(instruction="x" * 100_001)
