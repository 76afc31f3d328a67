"""What the options of all commands are made of: sections in the help, types, and the shared ones.

The settings of a run are in `settings.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from maker.cli import errors
from maker.cli.view.times import coming
from maker.core.config import TOOLS as TOOLS
from maker.core.grants import ADVICE, is_grant
from maker.errors import NoDatabase
from maker.store import files, location

F = TypeVar("F", bound=Callable[..., Any])

INPUT, OUTPUT = "Input", "Output"
LEAST_THINKING_TOKENS = 1024


class Whole(click.IntRange):
    """A whole number; the messages say so instead of "integer range"."""

    name = "whole number"


class Real(click.FloatRange):
    """A number; the messages say so instead of "float range"."""

    name = "number"


class Choice(click.ParamType[tuple[str, int]]):
    """An answer of an undecided vote, as in `2`, or in `3.0=2` where several are undecided."""

    name = "choice"

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> tuple[str, int]:
        lane, _, number = str(value).rpartition("=")
        if not re.fullmatch(r"(\d{1,9}\.\d{1,9})?", lane) or not re.fullmatch(r"\d{1,9}", number):
            self.fail(f"{value!r} is no choice: write 2, or 3.0=2 for step 3, item 0", param, ctx)
        return lane, int(number)


class SectionOption(click.Option):
    """An option that stands under a heading in the help."""

    def __init__(self, *args: Any, section: str = OUTPUT, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class SectionCommand(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                heading = getattr(parameter, "section", OUTPUT)
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records, col_max=32)


def words(text: str) -> list[str]:
    """The words of a list with commas, each once."""
    parts = [word.strip() for word in text.split(",")]
    return list(dict.fromkeys(word for word in parts if word))


def grants(text: str) -> list[str]:
    """What the user agrees to, as a list with commas."""
    names = words(text.lower())
    for word in names:
        if not is_grant(word):
            raise click.BadParameter(f"there is nothing called {errors.quoted(word)}. {ADVICE}")
    return names


def cap(kind: type[int] | type[float]) -> Callable[[str], int | float | str]:
    """An amount, of which nothing more is allowed; `none` lifts the cap."""

    def converted(text: str) -> int | float | str:
        if str(text).strip().lower() == "none":
            return "none"
        number = "whole number" if kind is int else "number"
        try:
            amount = kind(str(text).strip().lstrip("$"))
        except ValueError:
            raise click.BadParameter(f"{text!r} is neither a {number} nor none.") from None
        if not 0 <= amount < float("inf"):
            raise click.BadParameter(f"{text!r} is no amount; for no cap write none.")
        return amount

    return converted


def thinking(text: str) -> str:
    """`off`, `adaptive`, or a number of tokens."""
    tokens = int(text) if text.isascii() and text.isdigit() else 0
    if text not in ("off", "adaptive") and tokens < LEAST_THINKING_TOKENS:
        least = f"a number of tokens from {LEAST_THINKING_TOKENS}"
        raise click.BadParameter(f"{text!r} is neither off, adaptive nor {least}.")
    return text


def _one_instruction(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> str | None:
    if len(texts) > 1:
        whole = errors.quoted(" ".join(texts))
        raise click.UsageError(f"Put the instruction in quotes: {ctx.command_path} {whole}", ctx)
    return texts[0] if texts else None


instruction_argument = click.argument(
    "instruction", nargs=-1, metavar="[INSTRUCTION]", callback=_one_instruction
)
"""One text; several words without quotes are refused with the advice to quote them."""


def option(section: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """An option under a heading."""
    return click.option(*names, cls=SectionOption, section=section, **settings)


def _place(ctx: click.Context, parameter: click.Parameter, db: str | None) -> str | None:
    """A database that the user names may be mistyped: where it could begin, its folder exists."""
    path = None if db is None else location.sqlite_path(location.normal(db, field="--db"))
    if path is None or files.is_there(path):
        return db
    if not path.parent.is_dir():
        raise NoDatabase(f"there is no folder {path.parent}", advice="Make it, or mend --db.")
    return db


def _existing(ctx: click.Context, parameter: click.Parameter, db: str | None) -> str | None:
    """A database that the user names and that cannot be begun by this command."""
    path = None if db is None else location.sqlite_path(location.normal(db, field="--db"))
    if path is None or files.is_there(path):
        return db
    near = ", ".join(map(str, files.near(path)))
    raise NoDatabase(
        f"there is no database {path}",
        advice=f"Near it there is {near}." if near else "Mend --db: nothing is created here.",
    )


_DB_HELP = "Database to use instead of $MAKER_DATABASE_URL, $MAKER_HOME or the default place."
db_option = option(OUTPUT, "--db", metavar="PATH|URL", callback=_existing, help=_DB_HELP)
"""The database of a command that looks at runs, or goes on with one."""
new_db_option = option(OUTPUT, "--db", metavar="PATH|URL", callback=_place, help=_DB_HELP)
"""The database of a command that begins a run, and with it a database where there is none."""
json_option = option(OUTPUT, "--json", "as_json", is_flag=True, help="Print JSON for programs.")
"""The parameter is called `as_json`."""
quiet_option = option(
    OUTPUT, "--quiet", "-q", is_flag=True, help="Show nothing on stderr of a run that goes well."
)
notify_option = option(
    OUTPUT,
    "--notify",
    metavar="COMMAND",
    envvar="MAKER_NOTIFY",
    help="Run this with a line of JSON on its stdin when the run needs you, waits, pauses or ends. "
    "Left out, $MAKER_NOTIFY.",
)


def _coming(ctx: click.Context, parameter: click.Parameter, text: str | None) -> float:
    return 0.0 if text is None else coming(text, time.time())


not_before_option = option(
    OUTPUT,
    "--not-before",
    metavar="TIME",
    callback=_coming,
    help="Wait until then before anything begins, as in 22:00 or 2026-03-31T22:00. Nobody is there "
    "to ask then: give --yes or --allow, too.",
)
output_option = option(
    OUTPUT,
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the answer to FILE instead of stdout.",
)
plan_option = option(
    INPUT, "--plan", metavar="FILE|-", help="A plan to carry out instead of asking the planner."
)
set_option = option(
    INPUT,
    "--set",
    "assigned",
    multiple=True,
    metavar="NAME=VALUE",
    help="What the plan of --plan asks for in its `inputs`; can be repeated.",
)
replan_option = option(
    INPUT,
    "--replan",
    is_flag=True,
    help="Plan again what remains, from the finished outputs and the failure.",
)
choose_option = option(
    INPUT,
    "--choose",
    type=Choice(),
    multiple=True,
    metavar="[STEP.ITEM=]NUMBER",
    help="The answer that wins an undecided vote, as `maker show` numbers them.",
)
answer_option = option(
    INPUT, "--answer", metavar="TEXT", help="What the planner must know, where it has asked."
)
context_option = option(
    INPUT,
    "--context",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    multiple=True,
    metavar="FILE|-",
    help="Data for the planner, and for steps that name `context`; can be repeated.",
)
yes_option = option(
    TOOLS,
    "--yes",
    "-y",
    is_flag=True,
    help="Allow every effect, as --allow write,bash,external,web.",
)
