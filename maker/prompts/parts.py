"""The building blocks of every prompt: sections, and data that cannot leave its tag. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from maker.core.models import Value

DATA_TAGS = (
    "workspace",
    "context",
    "tools",
    "finished",
    "failure",
    "rejected_plan",
    "problems",
    "answers",
    "instruction",
    "plan",
    "input",
    "missing",
    "item",
    "last_output",
    "earlier_failure",
)
"""Every tag that marks data; text inside one can close none of them."""

_CLOSING = re.compile(rf"<(?=\s*/\s*(?:{'|'.join(DATA_TAGS)})\b)", re.IGNORECASE)
_READ_BY_PROGRAMS = re.compile(r"<(?=(?:last_output|item)\b)", re.IGNORECASE)


class Prompts(Value, frozen=True, kw_only=True):
    """What one agent is told: who it is, and what it is asked."""

    system: str
    user: str


def block(tag: str, text: str) -> str:
    """Text between tags that mark it as data; a closing tag inside it is written `&lt;/tag>`."""
    _known(tag)
    return f"<{tag}>\n{_CLOSING.sub('&lt;', text.strip())}\n</{tag}>"


def json_block(tag: str, value: Any, *, name: str = "") -> str:
    """A value as JSON between tags; what looks like a tag inside a string is escaped, losslessly.

    In JSON text a `<` can only stand inside a string, where `\\u003c` means the same.
    """
    _known(tag)
    text = json.dumps(value, ensure_ascii=False)
    for pattern in (_CLOSING, _READ_BY_PROGRAMS):
        text = pattern.sub(r"\\u003c", text)
    attribute = f' name="{re.sub("[^A-Za-z0-9_.-]", "_", name)}"' if name else ""
    return f"<{tag}{attribute}>\n{text}\n</{tag}>"


def sections(parts: Iterable[str]) -> str:
    """The parts that are not empty, one blank line between them."""
    return "\n\n".join(part for part in parts if part)


def _known(tag: str) -> None:
    if tag not in DATA_TAGS:
        raise ValueError(f"{tag} is not in DATA_TAGS, so data could close it")
