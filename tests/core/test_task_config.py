"""Settings that make no sense are refused by name, whoever gives them."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import RUN, plan, play
from maker.app import resumed
from maker.core.models import TaskConfig
from maker.errors import ConfigError


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


@pytest.mark.parametrize(
    "options", [{"max_cost_usd": "x"}, {"nonsense": 1}, {"voting_n": 0}, {"simulation": {"x": 1}}]
)
async def test_options_of_a_resume_are_refused_before_anything_is_written(
    options: dict[str, Any],
) -> None:
    first = await play(lambda call: '{"cannot": "so"}', given=plan())
    events = len(await first.records())
    with pytest.raises(ConfigError):
        await resumed(RUN, options, store=first.store)
    assert len(await first.records()) == events
