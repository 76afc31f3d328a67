"""What the commands that look at runs share: opening a run, and JSON for programs."""

from __future__ import annotations

import os
from typing import Any

import click
import msgspec

from maker.store import location

SCHEMA_VERSION = 1
"""Raised when a field of the documents changes its meaning or goes away."""


def database(option: str | None) -> str:
    """The database that the option or the environment names."""
    return location.database_url(option, os.environ)


def echo_document(**content: Any) -> None:
    """Print one JSON document on stdout."""
    document = msgspec.json.encode({"schema_version": SCHEMA_VERSION, **content})
    click.echo(msgspec.json.format(document, indent=2))


def echo_line(content: Any) -> None:
    """Print one line of JSON on stdout."""
    click.echo(msgspec.json.encode(content))
