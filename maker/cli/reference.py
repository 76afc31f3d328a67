"""`python -m maker.cli.reference`: docs/cli.md, made from the commands' own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from maker.cli.main import COMMANDS, program

WIDTH = 90

_HEAD = """\
# The command line

Made from the commands' own help by `python -m maker.cli.reference > docs/cli.md`; a test fails
where the two differ.

"""
_EXIT_CODES = """\
## Exit codes

| code | meaning |
|---|---|
| 0 | done (also: a dry run) |
| 1 | the task failed, there is no such result, or the database cannot be used |
| 2 | usage: an option, a file, a model or a run that does not exist, a run that is busy |
| 3 | paused: needs consent or an answer; or `maker pause` asked for it |
| 4 | paused: not logged in, no credit, or Claude's program is missing |
| 5 | paused: a cap was reached |
| 6 | the replay diverged, or the log is damaged |
| 75 | paused: rate limited, or no network |
| 130, 143 | stopped by Ctrl-C, by SIGTERM |
"""


def reference() -> str:
    """The whole page."""
    context = click.Context(program, info_name="maker", **program.context_settings)
    parts = [_HEAD, _section(program, context, 2)]
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None, f"the table names {name}, which is no command"
        parts += _sections(command, context, name)
    return "\n".join([*parts, _EXIT_CODES])


def _sections(
    command: click.Command, parent: click.Context, name: str, level: int = 2
) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield _section(command, context, level)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, f"{name} lists {child}, which is no command"
            yield from _sections(found, context, child, level + 1)


def _section(command: click.Command, context: click.Context, level: int) -> str:
    context.terminal_width = context.max_content_width = WIDTH
    text = re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)
    return f"{'#' * level} {context.command_path}\n\n```text\n{text.strip()}\n```\n"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
