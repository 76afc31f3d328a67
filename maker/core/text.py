"""Text and plain values at the entrances: valid Unicode, finite JSON, no secrets, safe to print.

Only the standard library. What a reply's text *means* is read in `maker/replies/`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_DEPTH = 128
"""How deep a plain value may nest."""
MAX_INT_DIGITS = 1000
"""Longer integers are slow to print, and refused."""

_INVALID = re.compile("[\x00\ud800-\udfff]+")
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*+[ -/]*+[@-~]?"  # CSI
    r"|\x1b\][^\x07\x1b\n]*+(?:\x07|\x1b\\)"  # OSC, ended
    r"|\x1b[PX^_][^\x1b\n]*+\x1b\\"  # DCS, SOS, PM, APC, ended
    r"|\x1b[ -/]*+[0-~]?"
)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE_BREAK = re.compile("\r\n|[\r\u2028\u2029\x85\x0b\x0c]")


def clean(text: str) -> str:
    """The text as valid UTF-8 can hold it: lone surrogates and NUL become U+FFFD."""
    return _INVALID.sub(lambda found: "\ufffd" * len(found[0]), text)


def plain(value: Any) -> Any:
    """A copy made of nothing but finite JSON values, its strings cleaned.

    Raises ValueError that names the path of the first value that has no place in JSON.
    """
    return _plain(value, "", 0)


def _plain(value: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"{path or 'the value'} nests deeper than {MAX_DEPTH} levels")
    match value:
        case None | bool():
            return value
        case str():
            return clean(value)
        case int():
            return _plain_int(value, path)
        case float() if math.isfinite(value):
            return float(value)
        case dict():
            return {
                _plain_key(key, path): _plain(
                    item, f"{path}.{key}" if path else str(key), depth + 1
                )
                for key, item in value.items()
            }
        case list() | tuple():
            return [_plain(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)]
        case _:
            kind = value if isinstance(value, float) else f"a {type(value).__name__}"
            raise ValueError(f"{path or 'the value'} is {kind}, which JSON cannot hold")


def _plain_int(value: int, path: str) -> int:
    if value.bit_length() > MAX_INT_DIGITS * 3.3:
        raise ValueError(f"{path or 'the value'} is an integer of over {MAX_INT_DIGITS} digits")
    return int(value)


def _plain_key(key: Any, path: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{path or 'the value'} has the key {key!r}, which is not a string")
    return clean(key)


# Every pattern ends where its alphabet ends, so that a second pass finds nothing new.
_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private-key",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[A-Za-z0-9+/=\s:,.]|\\[nr]|-(?!-))*+"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    ("anthropic-key", re.compile(r"(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{16,}")),
    ("api-key", re.compile(r"(?<![A-Za-z0-9])sk-(?:[a-z]{1,12}-)?[A-Za-z0-9_]{32}[A-Za-z0-9_-]*")),
    ("stripe-key", re.compile(r"(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{20,}")),
    ("github-token", re.compile(r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,}")),
    ("github-token", re.compile(r"(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{22,}")),
    ("gitlab-token", re.compile(r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}")),
    ("aws-key", re.compile(r"(?<![A-Za-z0-9])A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    ("slack-token", re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("google-key", re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35,}")),
    ("npm-token", re.compile(r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36,}")),
    ("hub-token", re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{34,}")),
    (
        "jwt",
        re.compile(
            r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}"
        ),
    ),
)
_SECRETS_AFTER_A_NAME: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "token",
        re.compile(r"(?i)(\bbearer\s{1,4})(?=[a-z._~+/=-]{0,100}[0-9])[A-Za-z0-9._~+/=-]{20,}+()"),
    ),
    (
        "aws-secret",
        re.compile(
            r"(?i)(aws_secret_access_key[\"']?\s{0,4}[:=]\s{0,4}[\"']?)[A-Za-z0-9/+=]{40,}+()"
        ),
    ),
    (
        "password",
        re.compile(r"(://[^\s/:@\[\]]{1,100}:)(?!\$|\[redacted:)[^\s/@]{3,200}(@)"),
    ),
)
_REDACTED = re.compile(r"(\[redacted:[a-z-]{1,20}\])")
_SECRET_NAME = re.compile(r"(?i)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$")


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """The text with the given secrets and all well-known credentials as `[redacted:kind]`.

    Doing it twice changes nothing. Given secrets under eight characters are too common to replace.
    """
    for secret in sorted(set(secrets), key=lambda each: (-len(each), each)):
        if len(secret) >= 8:
            text = _replaced(text, secret)
    for kind, pattern in _SECRETS:
        text = pattern.sub(f"[redacted:{kind}]", text)
    for kind, pattern in _SECRETS_AFTER_A_NAME:
        text = pattern.sub(rf"\g<1>[redacted:{kind}]\g<2>", text)
    return text


def _replaced(text: str, secret: str) -> str:
    """The text without the secret; what was replaced before is left alone."""
    if secret not in text:
        return text
    parts = _REDACTED.split(text)
    parts[::2] = [part.replace(secret, "[redacted:secret]") for part in parts[::2]]
    return "".join(parts)


def environment_secrets(environ: Mapping[str, str]) -> list[str]:
    """The values of variables that are named like a credential and long enough to be one."""
    return sorted(
        {value for name, value in environ.items() if _SECRET_NAME.search(name) and len(value) >= 12}
    )


def terminal_safe(text: str) -> str:
    """The text without escape sequences, control characters and invisible or bidi marks."""
    without_sequences = _LINE_BREAK.sub("\n", _ESCAPE_SEQUENCE.sub("", text))
    return clean(_UNPRINTABLE.sub("", without_sequences))


def one_line(text: str, limit: int = 120) -> str:
    """The text for a message: on one line, safe for terminals, cut to `limit` characters."""
    start = text[: limit * 8 + 256]
    line = " ".join(terminal_safe(start).split())
    if len(line) <= limit and len(start) == len(text):
        return line
    return line[: max(limit - 1, 0)].rstrip() + "…"
