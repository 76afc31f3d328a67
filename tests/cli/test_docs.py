"""Nothing is offered that is not explained, and the reference is what the commands say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from maker.cli.main import COMMANDS, program
from maker.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(
    group: click.Group = program, context: click.Context | None = None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = context or click.Context(program, info_name="maker", **program.context_settings)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from commands(command, inner)


EVERY = list(commands())


@pytest.mark.parametrize("path", [path for path, _, _ in EVERY])
def test_every_command_and_every_option_has_help(path: str) -> None:
    command = next(found for name, found, _ in EVERY if name == path)
    assert command.help, f"{path} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{path} {parameter.opts[0]} has no help"


def test_every_command_of_the_table_exists_and_has_a_line() -> None:
    assert [path for path, _, _ in EVERY if path.count(" ") == 1] == [
        f"maker {name}" for name in COMMANDS
    ]
    assert all(line.endswith(".") for _, line in COMMANDS.values())


def test_every_command_that_prints_has_json_and_every_one_names_its_database() -> None:
    without = {"maker db", "maker demo", "maker completion"}
    for path, command, _ in EVERY:
        names = {name for parameter in command.params for name in parameter.opts}
        assert path in without or {"--json", "--db"} <= names, path


def test_no_command_has_two_meanings_for_an_option() -> None:
    for path, command, _ in EVERY:
        names = [name for parameter in command.params for name in parameter.opts]
        assert len(names) == len(set(names)), path


def test_the_reference_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "docs/cli.md is out of date: python -m maker.cli.reference > docs/cli.md"
    )
