"""Where the database is: an option, the environment, or the platform's place for state.

A database is named by the absolute path of a SQLite file or by a PostgreSQL URL. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import platformdirs

from maker.errors import ConfigError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")
_PASSWORD = re.compile(r"(?s)(://[^:@/]*:).*(@)")
"""Up to the last @: hiding too much is better than showing the end of an unescaped password."""
_PASSWORD_IN_QUERY = re.compile(r"(?i)([?&](?:ssl)?password=)[^&#]*")
_ADVICE = "Give the path of a SQLite file, or a URL like postgresql://user@host/name."


def database_url(option: str | None, environ: Mapping[str, str]) -> str:
    """The database to use: `option`, else the environment, else the platform's state folder."""
    if option:
        return normal(option, field="--db")
    if environ.get("MAKER_DATABASE_URL"):
        return normal(environ["MAKER_DATABASE_URL"], field="MAKER_DATABASE_URL")
    if environ.get("MAKER_HOME"):
        return normal(str(home(environ) / "maker.db"), field="MAKER_HOME")
    return str(home(environ) / "maker.db")


def home(environ: Mapping[str, str]) -> Path:
    """The folder of all that maker keeps, but a database that is elsewhere."""
    if environ.get("MAKER_HOME"):
        return Path(environ["MAKER_HOME"])
    return platformdirs.user_state_path("maker", appauthor=False)


def trees(environ: Mapping[str, str]) -> Path:
    """The folder of what is kept of files that isolated steps change."""
    return home(environ) / "trees"


def normal(place: str, *, field: str = "database") -> str:
    """`place` as an absolute path or a `postgresql+psycopg` URL. Raises ConfigError."""
    scheme = _SCHEME.match(place)
    if scheme is None:
        return _absolute(place, field)
    if scheme[1] in _POSTGRES:
        return f"postgresql+psycopg://{place[scheme.end() :]}"
    if scheme[1].startswith("sqlite") and place[scheme.end() :].startswith("/"):
        return _absolute(unquote(place[scheme.end() + 1 :].partition("?")[0]), field)
    raise ConfigError(f"{shown(place)} is not a usable database", field=field, advice=_ADVICE)


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database, None for another kind."""
    return None if _SCHEME.match(url) else Path(url)


def shown(url: str) -> str:
    """The database as it may be printed: without a password."""
    if not _SCHEME.match(url):
        return url
    return _PASSWORD_IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1***\2", url))


def _absolute(path: str, field: str) -> str:
    if path in ("", ":memory:") or "\0" in path:
        raise ConfigError(f"{path!r} is not the path of a database", field=field, advice=_ADVICE)
    try:
        return str(Path(path).expanduser().absolute())
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is in the current folder, which does not exist any more",
            field=field,
            advice="Change to one that does, or give an absolute path.",
        ) from error
    except RuntimeError as error:
        raise ConfigError(f"{path}: {error}", field=field, advice=_ADVICE) from error
