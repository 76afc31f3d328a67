"""Texts over several lines in block YAML: `|` and `>` blocks, and folded plain text. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

_HEADER = re.compile(r"([|>])(?:([1-9])?([-+])?|([-+])([1-9]))[ \t]*(?:[ \t]#.*)?$")


class Header(Struct, frozen=True):
    """The indicators of a block scalar."""

    folded: bool
    chomp: str
    indent: int


def block_header(text: str) -> Header | None:
    """The indicators, if the text is nothing else."""
    found = _HEADER.fullmatch(text)
    if not found:
        return None
    style, indent, chomp, chomp_first, indent_last = found.groups()
    return Header(style == ">", chomp or chomp_first or "", int(indent or indent_last or 0))


def indent_of(line: str) -> int:
    """How far a line is indented; a tab counts as two."""
    content = line.lstrip(" ")
    indent = len(line) - len(content)
    while content.startswith(("\t", " ")):
        indent += 2 if content[0] == "\t" else 1
        content = content[1:]
    return indent


def block_scalar(header: Header, lines: list[str], at: int, parent: int) -> tuple[str, int, str]:
    """(text, line after it, guess) of the block that starts on line `at` under indent `parent`."""
    indent = parent + header.indent if header.indent else _content_indent(lines, at, parent)
    content: list[str] = []
    guess = ""
    while at < len(lines):
        line = lines[at]
        if not line.strip(" "):
            content.append(line[indent:])
        elif line[:indent].strip(" "):
            own = len(line) - len(line.lstrip(" "))
            if own <= parent or line.lstrip(" ").startswith("#"):
                break
            guess = "a line of a text less indented than its first"
            content.append(line.lstrip(" "))
        else:
            content.append(line[indent:])
        at += 1
    text = _folded(content) if header.folded else "\n".join(content)
    return _chomped(text, header.chomp, bool(content)), at, guess


def _content_indent(lines: list[str], at: int, parent: int) -> int:
    longest = parent + 1
    while at < len(lines) and not lines[at].strip(" "):
        longest = max(longest, len(lines[at]))
        at += 1
    line = lines[at] if at < len(lines) else ""
    own = len(line) - len(line.lstrip(" "))
    return own if own > parent else longest


def _chomped(text: str, chomp: str, any_line: bool) -> str:
    stripped = text.rstrip("\n")
    match chomp:
        case "-":
            return stripped
        case "+":
            return text + "\n" if any_line else ""
        case _:
            return stripped + "\n" if stripped else ""


def _folded(lines: list[str]) -> str:
    """Single line breaks between text become spaces; around indented or empty lines they stay."""
    parts: list[str] = []
    breaks = 0
    previous_indented = True
    for line in lines:
        if not line.strip(" ") and not line.startswith(" "):
            breaks += 1
            continue
        indented = line.startswith((" ", "\t"))
        if parts:
            if indented or previous_indented:
                parts.append("\n" * (breaks + 1))
            else:
                parts.append("\n" * breaks or " ")
        else:
            parts.append("\n" * breaks)
        parts.append(line)
        breaks, previous_indented = 0, indented
    return "".join(parts) + "\n" * (breaks if parts else max(breaks - 1, 0))


def folded_plain(first: str, lines: list[str], at: int, parent: int) -> tuple[str, int]:
    """(text, line after it) of plain text that goes on in the more indented lines from `at`."""
    parts = [first.rstrip(" \t")]
    breaks, end = 0, at
    while at < len(lines):
        content = lines[at].strip(" \t")
        if not content:
            breaks += 1
        elif indent_of(lines[at]) <= parent:
            break
        else:
            parts.append("\n" * breaks or " ")
            parts.append(content)
            breaks, end = 0, at + 1
        at += 1
    return "".join(parts), end
