"""`maker run`: from an instruction to an answer on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import click

from maker.cli.configuration import setting_options
from maker.cli.options import SectionCommand, db_option, json_option


@click.command("run", cls=SectionCommand)
@click.argument("instruction", required=False)
@setting_options()
@db_option
@json_option
def command(**parameters: Any) -> int:
    """Plan, validate and carry out INSTRUCTION, or the standard input where it is -."""
    raise NotImplementedError


def parse_args(args: Sequence[str]) -> SimpleNamespace:
    """The arguments of `maker run`, each under the name of its option."""
    return SimpleNamespace(**command.make_context("run", list(args)).params)
