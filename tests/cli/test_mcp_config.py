"""MCP settings: files, checks, references, secrets."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.cli.mcp_file import read_mcp_file
from maker.errors import ConfigError
from maker.tools.mcp_config import checked, expand

STDIO = {"command": "python", "args": ["server.py"]}
HTTP = {"type": "http", "url": "https://example.org/mcp"}


def test_a_file_gives_its_servers_with_their_type_filled_in(tmp_path: Path) -> None:
    path = tmp_path / ".mcp.json"
    path.write_text(json.dumps({"mcpServers": {"a": STDIO, "b": HTTP}}))
    assert read_mcp_file(path) == {"a": {"type": "stdio", **STDIO}, "b": HTTP}


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"servers": {}}', '{"mcpServers": []}', "[" * 99_999, "\x00"]
)
def test_a_file_of_another_shape_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"bad\.json") as caught:
        read_mcp_file(path)
    assert "mcpServers" in caught.value.advice


def test_a_file_that_is_too_long_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_text('{"mcpServers": {}}'.ljust(2_000_001))
    with pytest.raises(ConfigError, match=r"huge\.json has more than 2,000,000 bytes"):
        read_mcp_file(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json cannot be read"):
        read_mcp_file(tmp_path / "none.json")


def test_an_error_in_a_file_names_the_file_and_the_server(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"mail": {"args": []}}}')
    with pytest.raises(ConfigError, match=r"mcp\.json: MCP server mail: unknown type"):
        read_mcp_file(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"url": "https://example.org"}, "unknown type ''"),
        ({"type": "carrier-pigeon"}, "unknown type"),
        ({"type": ["stdio"]}, "unknown type"),
        ({"type": "http"}, '"url" is missing'),
        ({"type": "stdio", "command": ""}, '"command" is missing'),
        ({"command": 7}, '"command" is not a string'),
        ({"command": "x", "args": "y"}, '"args" is not a list'),
        ({"command": "x", "args": [1]}, '"args" is not a list of strings'),
        ({"command": "x", "env": {"A": 1}}, '"env" is not an object of strings'),
        ({"command": "x", "cwdd": "y"}, "unknown field 'cwdd'"),
    ],
)
def test_settings_are_checked_field_by_field(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked("mail", config)


@pytest.mark.parametrize("name", ["", "a__b", "a b", "_a", "a_", "ü", "a/b"])
def test_a_server_name_that_could_not_be_taken_apart_again_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name"):
        checked(name, STDIO)


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("env", "GITHUB_TOKEN"),
        ("env", "API_KEY"),
        ("env", "OPENAI_APIKEY"),
        ("env", "DB_PASSWORD"),
        ("env", "CLIENT_SECRET"),
        ("headers", "Authorization"),
        ("headers", "X-Api-Key"),
        ("headers", "Cookie"),
    ],
)
def test_a_literal_secret_is_refused_and_a_reference_is_kept(field: str, key: str) -> None:
    base = STDIO if field == "env" else HTTP
    with pytest.raises(ConfigError, match=f"{field}.{key} holds a literal secret") as caught:
        checked("mail", {**base, field: {key: "hunter2hunter2"}})
    assert "${" in caught.value.advice
    assert "hunter2" not in str(caught.value) + caught.value.advice
    kept = checked("mail", {**base, field: {key: "Bearer ${MY_VAR}"}})
    assert kept[field] == {key: "Bearer ${MY_VAR}"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://me:hunter2@example.org/", "url holds a literal password"),
        ("https://example.org/mcp?api_key=hunter2", "parameter api_key, holds a literal secret"),
        ("https://example.org/mcp?a=b&access_token=hunter2#x", "access_token"),
        ("https://example.org/mcp#token=hunter2", "parameter token"),
        ("https://example.org/mcp?key=${KEY:-hunter2}", "parameter key"),
    ],
)
@pytest.mark.parametrize("place", ["url", "args", "env"])
def test_a_literal_secret_in_a_url_is_refused_wherever_the_url_stands(
    url: str, message: str, place: str
) -> None:
    config = {
        "url": {"type": "sse", "url": url},
        "args": {"command": "proxy", "args": ["--to", url]},
        "env": {"command": "proxy", "env": {"UPSTREAM": url}},
    }[place]
    with pytest.raises(ConfigError, match=message.replace("url holds", f"{place} holds")) as caught:
        checked("mail", config)
    assert "hunter2" not in str(caught.value) + caught.value.advice
    assert "${" in caught.value.advice


def test_references_in_a_url_are_kept() -> None:
    url = "https://me:${PASSWORD}@example.org:80/a@b?api_key=${API_KEY}&page=2&token_limit=9&q=key"
    assert checked("mail", {"type": "sse", "url": url})["url"] == url


@pytest.mark.parametrize(
    "args",
    [
        ["--token", "hunter2"],
        ["--api-key=hunter2"],
        ["-apiKey", "hunter2"],
        ["--verbose", "--db.password", "hunter2"],
        ["run", "-e", "GITHUB_TOKEN=hunter2", "image"],
        ["--header", "Authorization: Bearer hunter2"],
        ["--header", "X-Api-Key:hunter2"],
        ["--token", "${TOKEN:-hunter2}"],
    ],
)
def test_a_literal_secret_in_an_argument_is_refused(args: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"args\[\d\] \(.+\) holds a literal secret") as caught:
        checked("mail", {"command": "server", "args": args})
    assert "hunter2" not in str(caught.value) + caught.value.advice
    assert "${" in caught.value.advice


@pytest.mark.parametrize(
    "args",
    [
        ["--token", "${TOKEN}"],
        ["--api-key=${API_KEY}", "--header", "Authorization: Bearer ${TOKEN}"],
        ["--token", "--verbose"],
        ["-e", "GITHUB_TOKEN", "--max-tokens", "4096", "--token-file", "/run/token"],
        ["--cookies=true", "--key-type=rsa", "--monkey", "see", "a: b", "secret", "of"],
        ["--token", "${TOKEN:-}", "-y", "@scope/server-key@1.0"],
    ],
)
def test_an_argument_that_refers_to_a_secret_or_names_none_is_kept(args: list[str]) -> None:
    assert checked("mail", {"command": "server", "args": args})["args"] == args


def test_an_ordinary_variable_is_no_secret() -> None:
    env = {
        **{"LOG_LEVEL": "debug", "TOKEN_FILE": "/run/token", "KEYBOARD": "qwertz", "TOKEN": ""},
        **{"MAX_TOKENS": "4096", "DISABLE_AUTH": "true"},
    }
    assert checked("mail", {**STDIO, "env": env})["env"] == env


def test_references_are_resolved_in_every_string() -> None:
    config = {
        "type": "stdio",
        "command": "${BIN:-python}",
        "args": ["--root=${ROOT}", "plain $HOME {x}"],
        "env": {"TOKEN": "Bearer ${TOKEN}", "MODE": "${MODE:-}"},
    }
    assert expand(config, {"ROOT": "/r", "TOKEN": "t", "BIN": ""}) == {
        "type": "stdio",
        "command": "python",
        "args": ["--root=/r", "plain $HOME {x}"],
        "env": {"TOKEN": "Bearer t", "MODE": ""},
    }


def test_a_missing_variable_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigError, match="TOKEN, which is not set"):
        expand({**HTTP, "headers": {"Authorization": "Bearer ${TOKEN}"}}, {})


def test_makers_own_fields_do_not_reach_the_sdk() -> None:
    assert "tools" not in expand({**STDIO, "tools": {"x": {"effect": "read"}}}, {})


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_a_value_is_never_expanded_twice(value: str, environ: dict[str, str]) -> None:
    assert expand({"command": "${A}"}, {**environ, "A": f"x{value}${{B}}"}) == {
        "command": f"x{value}${{B}}"
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_the_settings_are_they_are_accepted_or_refused_clearly(config: object) -> None:
    with suppress(ConfigError):
        assert checked("mail", config)["type"] in ("stdio", "http", "sse")


@pytest.mark.parametrize(
    "config",
    [
        {"command": "server", "args": ["--key", "sk-ant-api03-" + "a1B2" * 20]},
        {"command": "server", "env": {"ACCOUNT": "ghp_" + "a1B2" * 9}},
    ],
)
def test_a_known_credential_is_refused_wherever_it_stands(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"literal (secret|credential)"):
        checked("tracker", config)
