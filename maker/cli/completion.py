"""`maker completion`: the lines by which a shell completes commands, options and run ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from maker.cli.options import SectionCommand
from maker.errors import ConfigError

EPILOG = """\
\b
Put it where your shell reads it when it starts:
  bash   maker completion bash >> ~/.bashrc
  zsh    maker completion zsh >> ~/.zshrc
  fish   maker completion fish > ~/.config/fish/completions/maker.fish

Then TAB completes commands, options, @last and the ids of the newest runs.
"""


@click.command(cls=SectionCommand, epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the lines by which SHELL completes what is typed after `maker`."""
    completion = get_completion_class(shell)
    if completion is None:
        raise ConfigError(f"Click completes nothing for {shell}", advice="Use another shell.")
    lines = completion(ctx.find_root().command, {}, "maker", "_MAKER_COMPLETE").source()
    click.echo(lines.strip())
