"""Redaction: every usual credential, every spelling of a secret, nothing else, and never slow."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from secret_examples import fifty, more

from maker.core.entrance import purified
from maker.core.models import AgentReply, TaskConfig, ToolSpec
from maker.core.redaction import Redactor, redact
from maker.core.secret_shapes import SHAPES, may_hold_shape

FIFTY = fifty()
EXAMPLES = {**FIFTY, **more()}
KEY = FIFTY["Anthropic API key"].secret


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_usual_credential_is_replaced(name: str) -> None:
    text, secret = EXAMPLES[name]
    before, after = text.split(secret)
    redacted = redact(f"before\nV=({text}); echo done")
    kept_before, _, rest = redacted.partition("[redacted:")
    assert kept_before == f"before\nV=({before}"
    assert rest.partition("]")[2] == f"{after}); echo done"


def test_there_are_fifty_usual_credentials() -> None:
    assert len(FIFTY) == 50


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_passes_the_quick_test_that_is_asked_first(name: str) -> None:
    assert may_hold_shape(EXAMPLES[name].text)
    assert Redactor().may_hold(EXAMPLES[name].text)


def test_every_shape_has_an_example_and_its_needles_are_in_it() -> None:
    for shape in SHAPES:
        matching = [x.text for x in EXAMPLES.values() if shape.pattern.search(f"({x.text})")]
        assert matching, shape
        assert all(any(n in each.lower() for n in shape.needles) for each in matching), shape


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abcdefghij0123456789", "Authorization: Bearer [redacted:token]"),
        ("postgres://me:hunter22@db/x", "postgres://me:[redacted:password]@db/x"),
        ("postgres://me:${PASSWORD}@db/x", "postgres://me:${PASSWORD}@db/x"),
        ("postgres://user:password@localhost", "postgres://user:password@localhost"),
        ("DB_PASSWORD=hunter2hunter2", "DB_PASSWORD=[redacted:variable]"),
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
        "the header '-----BEGIN RSA PRIVATE" + " KEY-----' opens it",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "https://<user>:<password>@example.org",
        "token = self.tokens[index + 1]; secret_key = load_secret_key(path)",
        "TOKEN=$(cat token.txt) API_KEY=<your-key-here-1234567890>",
        '"integrity": "sha512-' + "Yz0A/x9+" * 10 + '=="',
    ],
)
def test_what_only_looks_like_a_credential_is_kept(text: str) -> None:
    assert redact(text) is text


def test_hashes_identifiers_and_images_are_kept() -> None:
    chance = random.Random(1)
    data = chance.randbytes(60_000)
    image = "data:image/png;base64," + base64.b64encode(data).decode()
    hashes = "\n".join(
        f"{chance.randbytes(20).hex()}  {chance.randbytes(32).hex()}" for _ in range(500)
    )
    identifiers = "\n".join(
        f"{chance.randbytes(4).hex()}-4a2b-8c3d-9e4f-{i:012x}" for i in range(500)
    )
    for text in (image, hashes, identifiers):
        assert redact(text) is text


def json_text(value: str) -> str:
    return json.dumps({"text": value})


def all_unicode(value: str) -> str:
    units = value.encode("utf-16-be")
    codes = [f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)]
    return '{"text": "' + "".join(codes) + '"}'


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda value: value,
    "JSON": json_text,
    "JSON as it is": lambda value: json.dumps({"text": value}, ensure_ascii=False),
    "every character escaped": all_unicode,
    "JSON in JSON": lambda value: json_text(json_text(value)),
    "JSON in JSON in JSON": lambda value: json_text(json_text(json_text(value))),
    "escaped slashes": lambda value: json_text(value).replace("/", "\\/"),
    "YAML, quoted": lambda value: yaml.safe_dump({"text": value}, default_style='"', width=40),
    "YAML, single quotes": lambda value: yaml.safe_dump({"text": value}, default_style="'"),
    "YAML, a block": lambda value: "text: |-\n" + "".join(f"    {x}\n" for x in value.split("\n")),
    "YAML, escaped bytes": lambda value: (
        'text: "' + "".join(f"\\x{ord(c):02X}" if ord(c) < 256 else c for c in value) + '"'
    ),
    "a URL": lambda value: "https://example.org/?q=" + quote(value, safe=""),
    "a URL, lower case": lambda value: re.sub(
        "%..", lambda code: code[0].lower(), quote(value, safe="")
    ),
    "a form": lambda value: quote(value, safe="").replace("%20", "+"),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64, behind a name": lambda value: base64.b64encode(b"me:" + value.encode()).decode(),
    "base64, shifted": lambda value: base64.b64encode(b"u:" + value.encode() + b"!").decode(),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}
VALUES = [
    'quo"te\\back/slash',
    "line one of it\nline two of it",
    "Grüße und Küsse \N{SNOWMAN}",
    "emoji \N{GRINNING FACE} inside",
    "plain-Value-42",
    "it's 'quoted' so",
    "tab\tand  two blanks",
]


def parts_of(value: str) -> list[str]:
    """What must not be left of it, however it is written."""
    return [part for part in value.replace("\\", " ").replace('"', " ").split() if len(part) > 5]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_replaced_in_every_spelling_that_decodes_to_it(
    value: str, spelling: str
) -> None:
    text = SPELLINGS[spelling](value)
    redactor = Redactor([value])
    assert redactor.may_hold(text)
    redacted = redactor.redact(text)
    assert "[redacted:secret]" in redacted
    assert redactor.redact(f"before {text} after") == f"before {redacted} after"
    if text.startswith(("{", "text:")):
        read = yaml.safe_load(redacted)["text"]
        while "text" in read:
            read = json.loads(read)["text"]
        assert read.strip() == "[redacted:secret]" or read == ["redacted:secret"], redacted


@pytest.mark.parametrize("spelling", ["JSON", "every character escaped", "JSON in JSON"])
def test_a_shape_is_replaced_in_every_spelling(spelling: str) -> None:
    redacted = redact(SPELLINGS[spelling](f"the key: {KEY}, here"))
    assert "[redacted:anthropic-key]" in redacted
    decoded = json.loads(redacted)["text"]
    while decoded.startswith("{"):
        decoded = json.loads(decoded)["text"]
    assert decoded == "the key: [redacted:anthropic-key], here"


def test_a_shape_right_behind_an_escape_is_replaced() -> None:
    assert redact('{"text": "one\\n' + KEY + '"}') == '{"text": "one\\n[redacted:anthropic-key]"}'


def test_a_text_without_a_credential_stays_as_it_is_to_the_byte() -> None:
    for text in ('{"a": "\\u0041\\/\\n\\q"}', "C:\\new\\table\\u0073 \\", "\\" * 999, "a" * 99_999):
        assert Redactor(["correct-Horse"]).redact(text) is text


def test_only_the_credential_is_replaced_in_a_text_with_other_escapes() -> None:
    text = '{"a": "\\u0041\\u000a", "b": "\\u0063orrect-Horse\\/", "c": "\\q"}'
    assert Redactor(["correct-Horse"]).redact(text) == (
        '{"a": "\\u0041\\u000a", "b": "[redacted:secret]\\/", "c": "\\q"}'
    )


def test_a_line_that_is_continued_hides_nothing() -> None:
    text = 'text: "' + KEY[:20] + "\\\n    " + KEY[20:] + '"'
    assert redact(text) == 'text: "[redacted:anthropic-key]"'


PIECES = [x.text for x in FIFTY.values()] + [
    "-",
    " ",
    "a",
    "Bearer ",
    "://u:",
    "@",
    "]",
    "\n",
    "\\",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.lists(st.text(min_size=6, max_size=12), max_size=2),
)
def test_redacting_twice_changes_nothing(text: str, secrets: list[str]) -> None:
    redactor = Redactor(secrets)
    once = redactor.redact(text)
    assert redactor.redact(once) == once


def test_a_given_secret_is_replaced_and_a_short_one_is_not() -> None:
    assert Redactor(["correctHorse", "1234"]).redact("pw correctHorse, pin 1234") == (
        "pw [redacted:secret], pin 1234"
    )


HOSTILE = [
    *("sk-", "sk-a-", "a", "-", "eyJ", "eyJa.", "://", "://a:", "bearer ", "A", "0", "\\", "\\n"),
    *("\\u005c", "-----BEGIN RSA PRIVATE" + " KEY-----\nA", "api_key: ", "API_KEY=", "M0.", "Ma0"),
    *(
        "hooks.slack.com/",
        "s",
        "sl.",
        "secret_key = ",
        "EAAA",
        "AKIA",
        "api_key: aA",
        "1//0",
        "\n ",
    ),
    *(
        "ya29.",
        "\\\n ",
        "'",
        "''",
        "key-",
        "Authorization: Basic ",
        "access_token$",
        '="',
        "://a:B_",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_the_longest_reply_takes_linear_time_whatever_is_in_it(unit: str) -> None:
    redactor = Redactor(["correct horse\nbattery staple", "it's-a-Secret", "a" * 40])
    text = "api_key key- sk- bearer . :// basic\n" + unit * (100_000 // len(unit))
    began = time.process_time()
    redactor.redact(text)
    assert time.process_time() - began < 2


def test_only_texts_of_a_value_are_made_pure_and_the_rest_stays_the_same_object() -> None:
    reply = AgentReply(text="quiet", denied=("Bash",))
    assert purified(reply, redact) is reply
    config = TaskConfig(instruction=KEY, voting_strategy="first_to_k", mcp_servers={KEY: [KEY]})
    pure = purified(config, Redactor(["first_to_k"]).redact)
    mark = "[redacted:anthropic-key]"
    assert (pure.instruction, pure.mcp_servers) == (mark, {mark: [mark]})
    assert pure.voting_strategy == "first_to_k"
    tools = [ToolSpec(name="a", description=KEY, effect="read")]
    assert purified(tools, redact)[0].description == mark
