"""`python -m maker.cli.reference`: docs/cli.md, made from the commands' own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from maker.cli.main import COMMANDS, program
from maker.errors import Exit

WIDTH = 90

_HEAD = """\
# The command line

Made from the commands' own help by `python -m maker.cli.reference > docs/cli.md`; a test fails
where the two differ.

"""


def reference() -> str:
    """The whole page."""
    context = click.Context(program, info_name="maker", **program.context_settings)
    parts = [_HEAD, _section(program, context, 2)]
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None, f"the table names {name}, which is no command"
        parts += _sections(command, context, name)
    rows = "".join(f"| {code:d} | {code.meaning} |\n" for code in Exit)
    codes = f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}"
    return "\n".join([*parts, codes])


def _sections(
    command: click.Command, parent: click.Context, name: str, level: int = 2
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield _section(command, context, level)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            subcommand = command.get_command(context, child)
            assert subcommand is not None, f"{name} lists {child}, which is no command"
            yield from _sections(subcommand, context, child, level + 1)


def _section(command: click.Command, context: click.Context, level: int) -> str:
    context.terminal_width = context.max_content_width = WIDTH
    text = re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)
    return f"{'#' * level} {context.command_path}\n\n```text\n{text.strip()}\n```\n"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
