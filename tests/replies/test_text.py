"""Text at the entrances: valid, finite, without secrets, safe to print."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.text import clean, environment_secrets, one_line, plain, redact, terminal_safe

# Put together here, so that no scanner takes this file for a leak.
ANTHROPIC = "sk-" + "ant-api03-" + "a1B2" * 12
GITHUB = "ghp" + "_" + "a1B2" * 9
AWS = "AKIA" + "ABCDEFGHIJ234567"
SLACK = "xoxb" + "-123456789012-abcdefGHIJ"
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEow\nabc+/=\n-----END RSA PRIVATE" + " KEY-----"
SECRETS = [ANTHROPIC, GITHUB, AWS, SLACK, PEM, "sk-" + "proj-" + "x9Y8" * 10, "AIza" + "b" * 35]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_well_known_credential_is_replaced(secret: str) -> None:
    redacted = redact(f'export KEY="{secret}"; echo done')
    assert secret not in redacted
    assert "[redacted:" in redacted
    assert redacted.endswith('"; echo done')


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abcdefghij0123456789", "Authorization: Bearer [redacted:token]"),
        ("postgres://me:hunter22@db/x", "postgres://me:[redacted:password]@db/x"),
        ("postgres://me:${PASSWORD}@db/x", "postgres://me:${PASSWORD}@db/x"),
    ],
)
def test_a_credential_after_its_name_is_replaced(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "the task-force-of-the-very-long-named-committee-number-seven",
        "sk-learn and sk-image; risk-averse; AKIA is a prefix",
        "Bearer of good news, and bearer authentication-is-explained-here",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "https://example.org:8080/a@b and git@github.com:a/b.git",
        "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_only_looks_like_a_credential_is_kept(text: str) -> None:
    assert redact(text) == text


@given(
    st.lists(st.sampled_from([*SECRETS, "-", " ", "a", "Bearer ", "://u:", "@", "]", "\n"])).map(
        "".join
    ),
    st.lists(st.text(min_size=6, max_size=12), max_size=2),
)
def test_redacting_twice_changes_nothing(text: str, secrets: list[str]) -> None:
    once = redact(text, secrets)
    assert redact(once, secrets) == once


def test_a_given_secret_is_replaced_and_a_short_one_is_not() -> None:
    assert redact("pw correcthorse, pin 1234", ["correcthorse", "1234"]) == (
        "pw [redacted:secret], pin 1234"
    )


def test_secrets_are_found_by_the_names_of_variables() -> None:
    environ = {
        "MY_API_KEY": "abcdefabcdef",
        "db_password": "correcthorsebattery",
        "SHORT_TOKEN": "abc",
        "PATH": "/usr/bin:/usr/local/bin",
        "KEYBOARD": "german-nodeadkeys",
    }
    assert environment_secrets(environ) == ["abcdefabcdef", "correcthorsebattery"]


@given(st.text() | st.text(st.characters(categories=["Cs"])))
def test_cleaned_text_is_valid_utf_8(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned) == len(text)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | finite | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_a_plain_value_survives_json(value: object) -> None:
    copied = plain(value)
    assert json.loads(json.dumps(copied, allow_nan=False)) == copied


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, float("nan")]}, r"a\[1\] is nan"),
        ({"a": {1: 2}}, "a has the key 1"),
        ({"a": object()}, "a is a object"),
        ({"n": 10**1200}, "n is an integer of over 1000 digits"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_path(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ValueError, match="nests deeper"):
        plain(ring)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x1b]52;c;never ended\nb", "a52;c;never ended\nb"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("a\u200bb\u2066c\ufeff", "abc"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("tab\tstays, bell\x07 goes, \x9b31m too", "tab\tstays, bell goes, 31m too"),
        ("\ud800", "\ufffd"),
    ],
)
def test_text_cannot_command_a_terminal(text: str, safe: str) -> None:
    assert terminal_safe(text) == safe


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert terminal_safe(line) == line
