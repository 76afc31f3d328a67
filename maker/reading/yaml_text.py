"""YAML that PyYAML accepts, with one reading: each plain scalar keeps the text it was written as.

Its parser is read event by event: nothing is resolved, nothing recurses, and what would give a
text a second meaning (anchors, aliases, tags, merged, complex and repeated keys) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct

from maker.core.text import one_line
from maker.reading.flow import MAX_DEPTH
from maker.reading.json_text import DuplicateKey, TooDeep
from maker.reading.loaded import Unreadable
from maker.reading.scalars import Plain, TextList, TextMap
from maker.reading.yaml_core import MAX_NODES

Mark = Any
"""PyYAML's own: its stubs say that it may be None, which it never is in a parsed event."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMENT = re.compile(r"[ \t]+#[^\n]*")
_MISSING = object()


class _Open(Struct):
    """A collection that is being read; `key` waits for its value."""

    value: TextMap | TextList
    start: Mark
    in_brackets: bool
    key: Any = _MISSING


class _Building:
    """One value out of events; `value` is there once it is whole."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.value: Any = _MISSING
        self.end = 0
        self._open: list[_Open] = []
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        """Add what the event says. Raises Unreadable for what is refused."""
        mark: Mark = event.start_mark
        end: Mark = event.end_mark
        match event:
            case yaml.AliasEvent():
                raise _refused(mark, "aliases are refused")
            case yaml.NodeEvent() if event.anchor or getattr(event, "tag", None):
                raise _refused(mark, "anchors and tags are refused")
            case yaml.ScalarEvent():
                self._add(self._scalar(event, end.index), mark, end)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                empty = TextMap() if is_mapping else TextList()
                self._open.append(_Open(empty, mark, bool(event.flow_style)))
                if len(self._open) > MAX_DEPTH:
                    raise TooDeep(f"it nests deeper than {MAX_DEPTH} levels")
            case yaml.CollectionEndEvent():
                closed = self._open.pop()
                if closed.in_brackets:
                    closed.value.raw = self.text[closed.start.index : end.index]
                self._add(closed.value, closed.start, end)

    def _scalar(self, event: yaml.ScalarEvent, end: int) -> str:
        """The scalar; an unquoted one with the comment behind it, which a text may have meant."""
        if event.style:
            return str(event.value)
        behind = _COMMENT.match(self.text, end)
        if not behind or not event.value or (self._open and self._open[-1].in_brackets):
            return Plain(event.value)
        return Plain(event.value + behind.group())

    def _add(self, value: Any, mark: Mark, end: Mark) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooDeep(f"it has more than {MAX_NODES} values")
        if not self._open:
            self.value, self.end = value, end.index
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not _MISSING:
            parent.value[parent.key] = value
            parent.key = _MISSING
        elif not isinstance(value, str) or value == "<<":
            raise _refused(mark, "merged and complex keys are refused")
        elif value in parent.value:
            raise DuplicateKey(f"{_line(mark)}the key {one_line(value, 60)!r} stands there twice")
        else:
            parent.key = str(value)


def document(text: str) -> Any:
    """The one value that the text is; None where it is empty. Raises Unreadable with the line."""
    building = _Building(text)
    for event in _events(text):
        if building.value is not _MISSING and isinstance(event, yaml.DocumentStartEvent):
            raise _refused(event.start_mark, "a second document starts here")
        building.take(event)
    return None if building.value is _MISSING else building.value


def first_value(text: str) -> tuple[Any, int]:
    """(value, its end) of what the text starts with, whatever follows. Raises Unreadable."""
    building = _Building(text)
    for event in _events(text):
        building.take(event)
        if building.value is not _MISSING:
            return building.value, building.end
    raise Unreadable("there is no value")


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"{_line(mark) if mark else ''}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(one_line(str(error), 200)) from None


def _refused(mark: Mark, why: str) -> Unreadable:
    return Unreadable(f"{_line(mark)}{why}")


def _line(mark: Mark) -> str:
    return f"line {mark.line + 1}: "
