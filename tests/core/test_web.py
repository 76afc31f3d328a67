"""Which hosts a text names, which of them a user can be held to have meant, and what is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core.grants import is_grant
from maker.core.web import (
    MOST_HOSTS,
    granted_hosts,
    grants_for,
    hosts_in,
    is_granted,
    plain_hosts_in,
    refusal,
)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("See https://sqlite.org/lang.html.", ["sqlite.org"]),
        ("See sqlite.org, please.", ["sqlite.org"]),
        ("(docs.python.org/3/library) and HTTP://Docs.Python.ORG:8080/x", ["docs.python.org"]),
        ("**https://a.example/**, <https://b.example>, [x](https://c.example/y)",
         ["a.example", "b.example", "c.example"]),
        ("https://a.example: the manual; https://b.example!", ["a.example", "b.example"]),
        ("http://localhost:3000/ and http://127.0.0.1:80", ["localhost", "127.0.0.1"]),
        ("https://xn--bcher-kva.de/", ["xn--bcher-kva.de"]),
        ("GitHub.com and www.gnu.io", ["www.gnu.io", "github.com"]),
        ("https://a.example/?next=https://evil.example/", ["a.example"]),
    ],
)  # fmt: skip
def test_the_hosts_of_urls_and_clear_domain_names_are_named(text: str, hosts: list[str]) -> None:
    assert sorted(plain_hosts_in(text)) == sorted(hosts)
    assert sorted(hosts_in(text)) == sorted(hosts)


@pytest.mark.parametrize(
    "text",
    [
        "README.md, main.py, setup.sh, lib.rs, data.zip, index.ts, notes.app, x.so, Makefile",
        "java.io, asp.net, ASP.NET, System.IO, self.net, node.js, e.g. this, i.e. that",
        "mail bob@evil.com, clone git@evil.com:x/y or ssh://evil.com/x",
        "/srv/evil.com/index.html, ..\\evil.com, --host=evil.com, key:evil.com, $evil.com",
        "evil.com.local, evil.comx, evil.com_x, evil.com-x, call evil.com()",
        "xhttps://evil.com/ git+https://evil.com/",
        "https:/evil.com https:evil.com https:///evil.com",
        "https://evil..com https://-evil.com https://evil_.com",
        "version 1.2.3 of 10.0.0.1",
    ],
)
def test_what_is_not_plainly_a_host_is_none(text: str) -> None:
    assert hosts_in(text) == ()


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://sqlite.org@evil.com/", "evil.com"),
        ("https://user:word@evil.com:8443/x", "evil.com"),
        ("https://a@b@evil.com/", "evil.com"),
        ("https://bücher.de/", "xn--bcher-kva.de"),
        ("https://аpple.com/", "xn--pple-43d.com"),
        ("https://evil.com\\@sqlite.org/", "evil.com"),
        ("https://evil.com#@sqlite.org/", "evil.com"),
    ],
)
def test_a_url_that_can_be_misread_counts_as_the_web_reads_it(text: str, host: str) -> None:
    assert hosts_in(text) == (host,)


@pytest.mark.parametrize(
    "text",
    ["https://sqlite.org@evil.com/", "https://u:p@evil.com", "https://bücher.de/", "https://аpple.com"],
)  # fmt: skip
def test_such_a_url_in_the_instruction_allows_nothing(text: str) -> None:
    assert plain_hosts_in(text) == ()


@pytest.mark.parametrize("text", ["https://sqlite.org%2eevil.com/", "https://%65vil.com/"])
def test_a_host_in_disguise_is_none(text: str) -> None:
    assert hosts_in(text) == ()


@pytest.mark.parametrize(
    "text",
    ["https://" * 300_000, "a." * 1_000_000, "https://" + "a" * 2_000_000, "@" * 2_000_000,
     "https://" + "a.com," * 300_000, "www." * 500_000, "https://" + "ü" * 1_000_000,
     "x.com" * 400_000],
    ids=range(8),
)  # fmt: skip
def test_a_text_of_any_size_is_read_in_no_time(text: str) -> None:
    began = time.monotonic()
    hosts_in(text)
    assert time.monotonic() - began < 10


@given(st.text(alphabet="ahtps:/@.\\#?%-_ éх", max_size=60))
def test_whatever_the_text_a_named_host_is_one_that_can_be_granted(text: str) -> None:
    for host in hosts_in(f"https://{text}"):
        assert is_grant(f"web:{host}")
    assert set(plain_hosts_in(text)) <= set(hosts_in(text))


@pytest.mark.parametrize(
    "word",
    ["write", "bash", "external", "web", "web:sqlite.org", "web:*.python.org", "web:localhost",
     "web:127.0.0.1", "web:xn--bcher-kva.de", "again:2"],
)  # fmt: skip
def test_these_words_can_be_agreed_to(word: str) -> None:
    assert is_grant(word)


@pytest.mark.parametrize(
    "word",
    ["", "read", "Web", "web:", "web:*", "web:*.com", "web:a.*.com", "web:https://sqlite.org",
     "web:sqlite.org/x", "web:sqlite.org:80", "web:SQLite.org", "web:bücher.de", "web:a..b",
     "web:-a.org", "web:u@sqlite.org", "web:sqlite.org)", "web:a.org,b.org", "bash:ls", "again:",
     "web:sqlite.org\n", "web:" + "a." * 130 + "com"],
)  # fmt: skip
def test_these_words_cannot(word: str) -> None:
    assert not is_grant(word)


def test_a_host_is_open_with_and_without_www_and_no_other() -> None:
    grants = ["web:sqlite.org", "write", "web:www.gnu.org", "web:127.0.0.1"]
    assert granted_hosts(grants) == [
        "127.0.0.1", "gnu.org", "sqlite.org", "www.gnu.org", "www.sqlite.org",
    ]  # fmt: skip
    for host in ("evil.org", "docs.sqlite.org", "sqlite.org.evil.com", "notsqlite.org", ""):
        assert not is_granted(host, grants)


def test_a_star_opens_all_below_a_host_and_the_host() -> None:
    grants = ["web:*.python.org"]
    for host in ("python.org", "docs.python.org", "a.b.python.org"):
        assert is_granted(host, grants)
    for host in ("evilpython.org", "python.org.evil.com", "org"):
        assert not is_granted(host, grants)


def test_only_what_is_missing_is_asked_for_by_name() -> None:
    texts = [
        "Fetch https://sqlite.org/a and https://evil.com/b.",
        "Fetch https://www.sqlite.org/c.",
    ]
    assert grants_for(texts, ["web:sqlite.org"]) == ["web:evil.com"]
    assert grants_for(texts, []) == ["web:sqlite.org", "web:evil.com", "web:www.sqlite.org"]
    assert grants_for(texts, ["web"]) == []


def test_a_plan_that_names_no_host_asks_for_the_web_unless_some_hosts_are_open() -> None:
    assert grants_for(["Fetch every page that the item names."], []) == ["web"]
    assert grants_for(["Fetch every page that the item names."], ["web:sqlite.org"]) == []


def test_more_hosts_than_anybody_reads_are_asked_for_as_what_they_are() -> None:
    many = " ".join(f"https://h{n}.example/" for n in range(MOST_HOSTS + 1))
    assert grants_for([many], []) == ["web"]


@pytest.mark.parametrize(
    "url",
    ["https://sqlite.org/x", "http://www.SQLite.org:8080", "https://sqlite.org./x?u=https://e.com/"],
)  # fmt: skip
def test_a_page_of_an_open_host_may_be_fetched(url: str) -> None:
    assert refusal(url, ["web:sqlite.org"]) == ""


@pytest.mark.parametrize(
    "url",
    ["https://evil.com/x", "https://sqlite.org@evil.com/", "https://evil.com\\@sqlite.org/",
     "https://sqlite.org.evil.com/", "https://docs.python.org/3/", "ftp://sqlite.org/", "",
     "https://sqlite.org%2eevil.com/", "https://evil.com\t.sqlite.org", "//sqlite.org/",
     "https:\\\\evil.com/", "https://sqlite.org\\.evil.com/", "http://2130706433/", "\x1b[2J"],
)  # fmt: skip
def test_any_other_page_is_refused_with_what_may_be_fetched(url: str) -> None:
    message = refusal(url, ["web:sqlite.org"])
    assert message.endswith("It may fetch pages of: sqlite.org, www.sqlite.org.")
    assert message.isprintable()


def test_who_may_fetch_all_is_refused_nothing() -> None:
    assert refusal("https://evil.com/x", ["web"]) == ""
