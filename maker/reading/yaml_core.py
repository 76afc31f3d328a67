"""Block YAML as models write it: mappings, lists, `|` and `>` blocks, plain and quoted scalars.

Unlike a YAML library it keeps the text of each plain scalar, so that a field declared a string
gets what was written (`Fix issue #12`, `Error: x`, `*.py`, `1.10`). Duplicate keys, anchors,
aliases, tags, merge keys and complex keys are refused. Meaning is given in `fit.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from maker.reading.blocks import (
    block_header,
    block_scalar,
    folded_plain,
    indent_of,
)
from maker.reading.flow import MAX_DEPTH, Flow
from maker.reading.json_text import DuplicateKey, TooDeep
from maker.reading.loaded import Unreadable
from maker.reading.scalars import Plain, TextMap, uncommented

MAX_NODES = 25_000

_KEY = re.compile(
    r'(?:"(?P<double>[^"\\]{0,200})"|\'(?P<single>[^\'\\]{0,200})\''
    r"|(?P<plain>(?![-?:](?:\s|$))[^\s\"'\[\]{}#&*!|>%@`,](?:[^:]|:(?!\s|$)){0,200}?))"
    r"[ \t]{0,8}:(?:[ \t]+|$)"
)
_WORD_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_REFUSED_KEY = re.compile(r"(?:[&*!]\S*\s|<<\s*:|\?(?:\s|$))")
_ITEM = re.compile(r"-(?:[ \t]+|$)")
_DEEP_ITEM = re.compile(rf"(?:-[ \t]+){{{MAX_DEPTH}}}")
_REST_OF_LINE = re.compile(r"[ \t]*(?:$|[ \t]#.*)")


class BlockReader:
    """Reads lines from `at` on; numbers in messages count from `line_number`, the first line's.

    `is_field` knows the declared names: one that starts a line of a text makes the text a guess.
    """

    def __init__(
        self,
        lines: list[str],
        line_number: int = 1,
        is_field: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self.lines = lines
        self.line_number = line_number
        self.is_field = is_field
        self.at = 0
        self.nodes = 0
        self.notes: dict[str, None] = {}
        self.guesses: dict[str, None] = {}

    def fail(self, message: str) -> Unreadable:
        """The error about the line at hand."""
        return Unreadable(f"line {self.at + self.line_number}: {message}")

    def peek(self) -> tuple[int, str] | None:
        """(indent, content) of the next line that is not empty or a comment."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            content = line.strip(" \t")
            if content and content[0] != "#":
                if "\t" in line[: len(line) - len(line.lstrip(" \t"))]:
                    self.guesses["tabs as indentation"] = None
                return indent_of(line), content
            self.at += 1
        return None

    def count(self, depth: int) -> None:
        """Bound the work and the depth."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise TooDeep(f"it has more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise TooDeep(f"it nests deeper than {MAX_DEPTH} levels")

    def node(self, depth: int, parent: int) -> Any:
        """The value that starts on the next line."""
        self.count(depth)
        line = self.peek()
        assert line is not None
        indent, content = line
        if _ITEM.match(content):
            return self.sequence(indent, depth)
        if _KEY.match(content):
            return self.mapping(indent, depth)
        self.at += 1
        return self.inline(content, parent, depth, indent)

    def mapping(self, indent: int, depth: int, top: bool = False) -> TextMap:
        """The mapping whose keys stand at this indent; at the top it ends where no key stands."""
        result = TextMap()
        while (line := self.peek()) and line[0] >= indent:
            own_indent, content = line
            key = _KEY.match(content)
            if own_indent > indent or not key:
                if top and own_indent == indent:
                    break
                if own_indent == indent and result and _ITEM.match(content):
                    break
                raise self.fail(self.what_is_wrong(content, own_indent > indent))
            plain = key["plain"]
            is_word = plain is None or plain == "<<" or _WORD_KEY.fullmatch(plain)
            if top and result and not is_word:
                break
            name = _key_name(key)
            if name in result or name == "<<":
                raise DuplicateKey(
                    f"line {self.at + self.line_number}: the key {name[:60]!r} "
                    + ("merges mappings" if name == "<<" else "stands there twice")
                )
            self.at += 1
            result[name] = self.value(content[key.end() :], indent, depth + 1)
        return result

    def what_is_wrong(self, content: str, deeper: bool) -> str:
        """The message about a line that fits nowhere."""
        if _REFUSED_KEY.match(content):
            return "anchors, aliases, tags, merged and complex keys are refused"
        return (
            "more indented than its neighbours" if deeper else "neither `key: value` nor `- item`"
        )

    def value(self, rest: str, indent: int, depth: int) -> Any:
        """The value of a key at this indent, of which `rest` stands on the key's line."""
        if rest and rest[0] != "#":
            return self.inline(rest, indent, depth)
        self.count(depth)
        found = self.peek_past_comments()
        if found and found[0] > indent:
            return self.nested(indent, depth)
        if found and found[0] == indent and _ITEM.match(found[1]) and not rest:
            return self.sequence(indent, depth)
        return Plain(rest)

    def peek_past_comments(self) -> tuple[int, str] | None:
        """Like `peek`, but stays where it is."""
        at = self.at
        found = self.peek()
        if found is None:
            self.at = at
        return found

    def nested(self, indent: int, depth: int) -> Any:
        """What stands under a key: a block, or the text of one that is none."""
        start = self.at
        notes, guesses = dict(self.notes), dict(self.guesses)
        try:
            block = self.node(depth, indent)
            if not (isinstance(block, TextMap) and not all(map(_WORD_KEY.fullmatch, block))):
                following = self.peek()
                if not following or following[0] <= indent:
                    return block
            why = f"line {start + self.line_number}: a text that looks like a key"
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable as error:
            why = str(error)
        self.notes, self.guesses = notes, guesses
        text, self.at = folded_plain(self.lines[start].strip(" \t"), self.lines, start + 1, indent)
        self.count_retry(self.at - start)
        return Plain(text, why)

    def count_retry(self, lines: int) -> None:
        """Reading lines twice is work, too: text under text under text would be quadratic."""
        self.nodes += lines
        self.count(0)

    def sequence(self, indent: int, depth: int) -> list[Any]:
        """The list whose dashes stand at this indent."""
        items: list[Any] = []
        while (found := self.peek()) and found[0] == indent:
            dash = _ITEM.match(found[1])
            if not dash:
                break
            items.append(self.item(found[1][dash.end() :], dash.end(), indent, depth + 1))
        if found and found[0] > indent:
            raise self.fail(self.what_is_wrong(found[1], True))
        return items

    def item(self, rest: str, width: int, indent: int, depth: int) -> Any:
        """One item, of which `rest` stands on the line of the dash."""
        if not rest or rest[0] == "#":
            self.at += 1
            found = self.peek_past_comments()
            self.count(depth)
            return self.nested(indent, depth) if found and found[0] > indent else Plain(rest)
        if _DEEP_ITEM.match(rest):  # each level would copy the line
            raise TooDeep(f"it nests deeper than {MAX_DEPTH} levels")
        if _ITEM.match(rest) or _KEY.match(rest):
            self.lines[self.at] = " " * (indent + width) + rest
            start = self.at
            block = self.nested(indent, depth)
            more = any(self.lines[n].strip() for n in range(start + 1, self.at))
            if isinstance(block, TextMap) and not more:
                block.raw = rest
            return block
        self.at += 1
        return self.inline(rest, indent, depth)

    def inline(self, rest: str, parent: int, depth: int, own: int | None = None) -> Any:
        """A value that starts on the line before `at`, under a key or dash at indent `parent`."""
        self.count(depth)
        header = block_header(rest)
        if header:
            text, self.at, guess = block_scalar(header, self.lines, self.at, parent)
            if guess:
                self.guesses[guess] = None
            return text
        if rest[0] in "\"'[{":
            found = self.flow(rest, parent)
            if found is not None:
                return found[0]
        why, refused = _why_not_plain(rest)
        line = f"line {self.at + self.line_number - 1}: "
        if refused:
            return Plain(rest, line + why, refused=True)
        start = self.at
        text, self.at = folded_plain(rest, self.lines, self.at, parent)
        self.doubt_fields(self.lines[start : self.at])
        if text != rest and not why and (": " in text or uncommented(rest) != rest):
            why = "a colon or a comment inside of a text"
        return Plain(text, line + why if why else "")

    def doubt_fields(self, lines: list[str]) -> None:
        """Text is a guess where a line of it starts like a declared field."""
        for line in lines:
            key = _KEY.match(line.strip(" \t"))
            if key and self.is_field(_key_name(key)):
                self.guesses["a line that starts like a field was read as text"] = None

    def continued(self, parent: int) -> int:
        """The first line that cannot belong to brackets opened under indent `parent`."""
        more = self.at
        while more < len(self.lines):
            content = self.lines[more].strip()
            if content and content[0] not in "]}" and indent_of(self.lines[more]) <= parent:
                break
            more += 1
        return more

    def flow(self, rest: str, parent: int) -> tuple[Any] | None:
        """A quoted scalar or a collection in brackets, if it is all that stands there."""
        for stop in (self.at, None):
            stop = self.continued(parent) if stop is None else stop
            text = "\n".join([rest, *self.lines[self.at : stop]])
            reader = Flow(text, 0, yaml=True)
            try:
                value = reader.value()
            except (DuplicateKey, TooDeep):
                raise
            except Unreadable:
                continue
            if reader.guesses.keys() & _UNFINISHED:
                continue
            ends = reader.at
            line_end = text.find("\n", ends)
            if not _REST_OF_LINE.fullmatch(text[ends : line_end if line_end >= 0 else len(text)]):
                return None
            self.count_retry(stop - self.at)
            self.at += text.count("\n", 0, ends)
            self.notes |= reader.notes
            self.guesses |= reader.guesses
            return (value,)
        return None


_UNFINISHED = frozenset(
    {"a bracket is not closed", "a string is not closed", "it breaks off", "a comma is missing"}
)


def _why_not_plain(rest: str) -> tuple[str, bool]:
    """Why YAML would not take the text as a plain scalar, and whether it means something else."""
    first = rest[0]
    if first in "&*!":
        return "anchors, aliases and tags are refused", True
    if first in "\"'[]{}@`%|>,#":
        return f"starts with {first}", False
    if re.search(r":(?:[ \t]|$)", uncommented(rest)):
        return "a colon inside of a text", False
    if re.match(r"[-?:][ \t]", rest):
        return f"starts with {first}", False
    return "", False


def _key_name(key: re.Match[str]) -> str:
    return next(name for name in key.group("double", "single", "plain") if name is not None)
