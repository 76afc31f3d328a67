"""Which hosts may be fetched from: those that somebody named, and no other. Pure.

What an agent has read can leave by a URL. So a URL counts as the web reads it (`https://a@b/` is
at b), and what is not plainly the name of a host is none: it is asked about, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from maker.core.grants import LONGEST_HOST, is_host
from maker.core.text import one_line

MOST_HOSTS = 50
"""More hosts than these cannot be judged by name: they are agreed to as the web, or not at all."""

_URL = re.compile(
    r"(?<![\w+.-])https?://([^\s/?#\\<>\"'`]*@)?([\w.-]++)(?::\d{1,5})?(?![\w%@]|:\S)"
    r"(?:[/?#\\][^\s<>\"'`]*+)?",
    re.IGNORECASE,
)
_ENDS = "com|org|edu|gov|eu|de|uk|fr|nl|ch|jp|ca|cn|us"
"""Ends of domain names that are not those of files or attributes, as .py, .md, .io, .net are."""
_LABELS = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
_DOMAIN = re.compile(
    rf"(?<![\w@/\\.:%+=&#~$-])(?:{_LABELS}(?:{_ENDS})|www\.{_LABELS}[a-z]{{2,63}})"
    r"(?![\w@(-]|\.\w)"
)
_AFTER_A_URL = "/.,;:!?)]}*_"
_PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)(?::\d{1,5})?(?:[/?#].*)?", re.I | re.S)


@lru_cache(maxsize=1024)
def hosts_in(text: str) -> tuple[str, ...]:
    """The hosts that a text sends its reader to, each once: those of URLs, and domain names."""
    return tuple(dict.fromkeys(host for host, _ in _hosts(text)))


@lru_cache(maxsize=64)
def plain_hosts_in(text: str) -> tuple[str, ...]:
    """Those of them that nobody can misread: no `user@` before them, nothing but ASCII in them."""
    return tuple(dict.fromkeys(host for host, is_plain in _hosts(text) if is_plain))


def urls_in(text: str) -> frozenset[str]:
    """The URLs of a text, without the punctuation of the sentence around them."""
    return frozenset(url[0].rstrip(_AFTER_A_URL).lower() for url in _URL.finditer(text))


def _hosts(text: str) -> Iterator[tuple[str, bool]]:
    for url in _URL.finditer(text):
        name = url[2].rstrip("._-")
        host, is_ascii = name.lower(), name.isascii()
        if not host.isascii() and len(host) <= LONGEST_HOST:
            try:
                host = host.encode("idna").decode("ascii")
            except UnicodeError:
                continue  # nobody can look it up
        if is_host(host):
            yield host, url[1] is None and is_ascii
    for domain in _DOMAIN.finditer(_URL.sub(" ", text)):
        if is_host(host := domain[0].lower()):
            yield host, True


def granted_hosts(grants: Iterable[str]) -> list[str]:
    """The hosts that these grants open; `*.host` stands for all below it, and for itself."""
    hosts: set[str] = set()
    for grant in grants:
        word, _, host = grant.partition(":")
        if word != "web" or not host:
            continue
        bare = host.removeprefix("www.")
        if host.startswith("*."):
            hosts |= {host, host[2:]}
        elif "." in bare and not bare[-1].isdigit():
            # With and without `www.` a site is one: most send their readers from one to the other.
            hosts |= {bare, f"www.{bare}"}
        else:
            hosts.add(host)
    return sorted(hosts)


def is_granted(host: str, grants: Sequence[str]) -> bool:
    """Whether pages of the host may be fetched."""
    if "web" in grants:
        return True
    opened = granted_hosts(grants)
    return host in opened or any(o.startswith("*.") and host.endswith(o[1:]) for o in opened)


def grants_for(texts: Iterable[str], grants: Sequence[str]) -> list[str]:
    """The grants that are missing where an agent fetches the pages that these texts name.

    Where neither they nor the grants name any host, or too many, it is the web as a whole.
    """
    if "web" in grants:
        return []
    hosts = dict.fromkeys(host for text in texts for host in hosts_in(text))
    missing = [host for host in hosts if not is_granted(host, grants)]
    if len(missing) > MOST_HOSTS or not (hosts or granted_hosts(grants)):
        return ["web"]
    return [f"web:{host}" for host in missing]


def refusal(url: str, grants: Sequence[str]) -> str:
    """Why an agent may not fetch this URL, with what it may; empty where it may."""
    plain = _PLAIN_URL.fullmatch(url)
    host = plain[1].lower().removesuffix(".") if plain else ""
    if host and is_granted(host, grants):
        return ""
    what = f"pages of {host}" if host else f"{one_line(url)!r}, which is not plainly a web address"
    opened = ", ".join(granted_hosts(grants)[:MOST_HOSTS]) or "no host"
    return f"WebFetch may not fetch {what}. It may fetch pages of: {opened}."
