"""Which database is used, and how it is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.errors import ConfigError
from maker.store.location import database_url, normal, shown, sqlite_path

EVERYTHING = {"MAKER_DATABASE_URL": "/data/env.db", "MAKER_HOME": "/data/home"}


def test_the_option_comes_before_the_environment_and_the_url_before_the_home() -> None:
    assert database_url("/data/option.db", EVERYTHING) == "/data/option.db"
    assert database_url(None, EVERYTHING) == "/data/env.db"
    assert database_url(None, {"MAKER_HOME": "/data/home"}) == "/data/home/maker.db"
    assert database_url("", {"MAKER_DATABASE_URL": ""}).endswith("/maker/maker.db")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/data/a.db", "/data/a.db"),
        ("sqlite:////data/a%20b.db", "/data/a b.db"),
        ("sqlite:////data/a.db?mode=ro", "/data/a.db"),
        ("postgres://me@host/db", "postgresql+psycopg://me@host/db"),
        ("postgresql://me@host/db?sslmode=require", "postgresql+psycopg://me@host/db?sslmode=require"),
        ("postgresql+psycopg:///db", "postgresql+psycopg:///db"),
    ],
)  # fmt: skip
def test_paths_and_urls_have_one_form_each_that_stays_as_it_is(place: str, expected: str) -> None:
    assert normal(place) == expected
    assert normal(expected) == expected


def test_a_relative_path_is_meant_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert normal("a.db") == normal("sqlite:///a.db") == str(tmp_path / "a.db")
    assert normal("~/a.db") == "/home/me/a.db"


@pytest.mark.parametrize(
    "place", ["", ":memory:", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d", "a\0b"]
)
def test_a_place_that_cannot_be_used_is_refused_with_the_name_of_the_setting(place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        normal(place, field="--db")
    assert refused.value.field == "--db"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/data/a:b@c.db", "/data/a:b@c.db"),
        ("postgresql+psycopg://me:secret@host:5/db", "postgresql+psycopg://me:***@host:5/db"),
        ("postgresql+psycopg://me:se:c@ret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql+psycopg://me@host/db", "postgresql+psycopg://me@host/db"),
        ("postgresql://h/d?user=a&password=secret&x=1", "postgresql://h/d?user=a&password=***&x=1"),
    ],
)
def test_a_password_is_never_shown(url: str, expected: str) -> None:
    assert shown(url) == expected


@given(st.text(alphabet="abcdefgh012:@!$&'*+,;=%?/#[]", min_size=1, max_size=12))
def test_no_password_however_odd_is_shown(password: str) -> None:
    secret = f"S3CRET{password}S3CRET"
    assert secret not in shown(f"postgresql://me:{secret}@host/db")


def test_only_a_path_is_a_file() -> None:
    assert sqlite_path("/data/a.db") == Path("/data/a.db")
    assert sqlite_path("postgresql+psycopg://host/db") is None
