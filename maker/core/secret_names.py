"""What names a secret: variables of the environment, options, headers, parameters.

By whole words of the name, so that KEYBOARD and TOKENIZERS name none. Which values are well-known
credentials, whatever their name, is in `secret_shapes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from maker.core.redaction import SHORTEST_SECRET

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRETS = frozenset(
    _WORD.findall(
        "KEY KEYS APIKEY TOKEN TOKENS SECRET SECRETS PASSWORD PASSWORDS PASSWD PASS PWD PASSPHRASE "
        "PAT SSHPASS CREDENTIAL CREDENTIALS CREDS COOKIE COOKIES AUTH AUTHORIZATION"
    )
)
_ENDINGS = ("PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "SECRET", "APIKEY")
"""No other word ends in one of these: PGPASSWORD, GITHUBTOKEN."""
_NO_SECRETS = frozenset(
    _WORD.findall(
        "DIR DIRS DIRECTORY FOLDER PATH PATHS FILE FILES FILENAME SOCK SOCKET HOME ROOT URL URI "
        "HOST PORT ENDPOINT SERVER ID IDS NAME USER USERNAME EMAIL TYPE MODE METHOD SCHEME FORMAT "
        "ALGORITHM VERSION LENGTH SIZE LIMIT COUNT MAX MIN TTL TIMEOUT EXPIRY LIFETIME PREFIX "
        "SUFFIX HEADER FIELD ISSUER AUDIENCE PROVIDER BACKEND POLICY ENABLED FINGERPRINT HELPER "
        "COMMAND REGION LAYOUT"
    )
)
"""A name that ends in one of these says where a secret is, or something else about it."""
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_PLAIN_WORD = re.compile(r"[a-z]+")


def names_secret(name: str) -> bool:
    """Whether the name says that its value is a secret: GITHUB_PAT, X-Api-Key, authToken."""
    words = [word.upper() for word in _WORD.findall(name)]
    if not words or words[-1] in _NO_SECRETS or name in _FOLDERS:
        return False
    return any(word in _SECRETS or word.endswith(_ENDINGS) for word in words)


def environment_secrets(
    environ: Mapping[str, str], is_path: Callable[[str], bool]
) -> tuple[str, ...]:
    """The values of variables that are named like a secret and could be one, in order.

    `is_path` tells whether a value is the path of something that exists.
    """
    named = {value.rstrip("\r\n") for name, value in environ.items() if names_secret(name)}
    return tuple(sorted(value for value in named if _may_be_secret(value) and not is_path(value)))


def _may_be_secret(value: str) -> bool:
    if len(value.strip()) < SHORTEST_SECRET or _PLAIN_WORD.fullmatch(value):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False
