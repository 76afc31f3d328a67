"""Which names and values of the environment are secrets."""

from __future__ import annotations

import pytest

from maker.core.secret_names import environment_secrets, names_secret

VALUE = "hunter2-hunter2"


def secrets(**environ: str) -> tuple[str, ...]:
    return environment_secrets(environ, is_path=lambda value: value.startswith("/there"))


@pytest.mark.parametrize(
    "name",
    [
        *("GITHUB_PAT", "DB_PASS", "MYSQL_PWD", "X_API_KEY_2", "TOKENS", "SESSION_COOKIE"),
        *("db_password", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GITHUBTOKEN", "npm_authToken"),
        *("SECRET_KEY_BASE", "OPENAI_APIKEY", "GOOGLE_CREDENTIALS", "OAUTH2_TOKEN", "X-Api-Key"),
        *("HTTP_BASIC_AUTH", "apiKey", "KEY", "GPG_PASSPHRASE", "api-key", "API_KEYS2"),
    ],
)
def test_a_name_with_the_word_names_a_secret(name: str) -> None:
    assert names_secret(name)
    assert secrets(**{name: VALUE}) == (VALUE,)


@pytest.mark.parametrize(
    "name",
    [
        *("PWD", "OLDPWD", "PATH", "KEYBOARD", "TOKENIZERS_PARALLELISM", "MONKEY", "COMPASS"),
        *("TOKEN_DIR", "SECRET_PATH", "PASSWORD_FILE", "SSH_AUTH_SOCK", "KEY_FILE_2", "TOKEN_URL"),
        *("AWS_ACCESS_KEY_ID", "COOKIE_NAME", "PATTERN", "HOME", "", "_", "42"),
    ],
)
def test_any_other_name_does_not(name: str) -> None:
    assert not names_secret(name)
    assert secrets(**{name: VALUE}) == ()


@pytest.mark.parametrize(
    "value",
    ["seven77", "12345678", "-1234.5678", "1e100000", "disabled", "/there/is", "", "       "],
)
def test_a_value_that_can_hardly_be_a_secret_is_none(value: str) -> None:
    assert secrets(API_KEY=value) == ()


@pytest.mark.parametrize("value", ["eight888", "two words", "Disabled1", "/not/there", "UPPERCASE"])
def test_a_value_of_eight_characters_is_one(value: str) -> None:
    assert secrets(API_KEY=value) == (value,)


def test_a_line_break_at_the_end_does_not_count() -> None:
    assert secrets(API_KEY=f"{VALUE}\r\n", OTHER_KEY="short\n\n\n\n") == (VALUE,)
