"""What a user can agree to, each a word that can be typed, recorded and shown."""

from __future__ import annotations

import re

GRANTS = ("write", "bash", "external", "web")
"""Each allows an effect as a whole; `web:HOST` allows to fetch pages of one host."""
ADVICE = (
    f"Use one or more of: {', '.join(GRANTS)}, or web:HOST with a host alone, as in "
    "web:sqlite.org or web:*.python.org."
)
AGAIN = "again:"
"""With the number of a step: it may be done again although it has finished, for one plan."""
LONGEST_HOST = 253

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NUMBER = re.compile(r"[0-9]{1,9}")
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_SUBDOMAINS = re.compile(rf"\*\.{_LABEL}(?:\.{_LABEL})+")


def is_grant(word: str) -> bool:
    """Whether the word is one that a user can agree to."""
    match word.partition(":"):
        case "web", ":", host:
            return is_host(host) or bool(_SUBDOMAINS.fullmatch(host))
        case "again", ":", step:
            return bool(_NUMBER.fullmatch(step))
        case _:
            return word in GRANTS


def is_host(text: str) -> bool:
    """Whether the text is the plain name of a host: small ASCII letters, no port."""
    return len(text) <= LONGEST_HOST and bool(_HOST.fullmatch(text))
