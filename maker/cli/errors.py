"""Turns what a command raises into a message on stderr and an exit code. Light: no msgspec."""

from __future__ import annotations

from collections.abc import Callable

import click

from maker.core.text import one_line, terminal_safe
from maker.errors import Exit, MakerError


def guarded(command: Callable[[], object]) -> int:
    """The exit code of a command, its expected errors told on stderr."""
    try:
        result = command()
    except MakerError as error:
        click.echo(described(error), err=True)
        return error.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return Exit.INTERRUPTED
    return result if isinstance(result, int) else 0


def described(error: MakerError) -> str:
    """What is wrong, and on the next line what to do about it."""
    message = f"Error: {terminal_safe(error.message)}"
    return f"{message}\n{terminal_safe(error.advice)}" if error.advice else message


def quoted(word: str) -> str:
    """A word of the user's as it may stand in a message."""
    return f'"{one_line(word, 60)}"'
