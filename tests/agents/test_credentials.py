"""The name of the credentials' source; never a value."""

from pathlib import Path

import pytest

from maker.agents.credentials import NONE_FOUND, credential_source


@pytest.mark.parametrize(
    "name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
)
def test_a_variable_is_named_and_its_value_is_not_shown(name: str, tmp_path: Path) -> None:
    shown = credential_source({name: "s3cret", "HOME": str(tmp_path)})
    assert shown == name


def test_a_cloud_wins_over_a_variable_and_a_variable_over_a_login(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / ".credentials.json").write_text("{}")
    home = {"HOME": str(tmp_path)}
    assert credential_source(home) == "claude login (~/.claude/.credentials.json)"
    with_key = {**home, "ANTHROPIC_API_KEY": "k"}
    assert credential_source(with_key) == "ANTHROPIC_API_KEY"
    with_cloud = {**with_key, "CLAUDE_CODE_USE_BEDROCK": "1"}
    assert credential_source(with_cloud) == "Amazon Bedrock (CLAUDE_CODE_USE_BEDROCK)"
    assert credential_source({**with_key, "CLAUDE_CODE_USE_VERTEX": "0"}) == "ANTHROPIC_API_KEY"


def test_another_configuration_folder_is_looked_into(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path / "other")}
    assert credential_source(environ) == NONE_FOUND
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".credentials.json").write_text("{}")
    assert credential_source(environ) == f"claude login ({tmp_path}/other/.credentials.json)"


def test_without_any_it_says_so(tmp_path: Path) -> None:
    assert credential_source({"HOME": str(tmp_path), "ANTHROPIC_API_KEY": ""}) == NONE_FOUND
