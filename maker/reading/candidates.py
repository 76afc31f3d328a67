"""Where in a text values stand: in fences, in brackets, and as YAML blocks in prose.

Reads them all; which of them counts is decided in `scan.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate, islice
from typing import Any

from msgspec import Struct

from maker.reading.flow import Flow
from maker.reading.json_text import DuplicateKey, TooDeep, decode_at
from maker.reading.loaded import Unreadable, Verdict, worse
from maker.reading.quoted import suspect_strings
from maker.reading.scalars import uncommented
from maker.reading.wanted import TOP_KEY, Wanted
from maker.reading.yaml_core import BlockReader

MAX_FOUND = 5_000
MAX_BROKEN = 200
MAX_BRACKETS = 200_000
MAX_FENCES = 2_000
MAX_KEYS = 20_000
"""More values, or broken ones, are no reply; trying them all would take too long."""

_FENCE = re.compile(r"^([ \t]{0,12})(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_DATA = frozenset(
    {"", "json", "json5", "jsonc", "yaml", "yml", "text", "txt", "plaintext", "output", "plan"}
)
_NESTING = frozenset({"markdown", "md"})
_BRACKET = re.compile(
    r"\{(?=\s{0,200}(?:\}|[\"'“][^\n\"'”]{0,200}[\"'”]\s{0,20}:|[A-Za-z_]\w{0,60} ?:\s))"
)


class Found(Struct, frozen=True):
    """A value at a place of the text.

    `prose`: a block outside of fences; `weak`: one that lacks fields, perhaps no mapping at all.
    """

    verdict: Verdict
    value: Any
    notes: list[str] = []
    start: int = 0
    end: int = 0
    prose: bool = False
    weak: bool = False


def strict_found(
    text: str, start: int, end: int, value: Any, notes: list[str], verdict: Verdict
) -> Found:
    """Strict JSON as a candidate; an escape that was hardly meant makes it a guess."""
    if suspect_strings(text, start, end, value):
        reader = Flow(text, start, end)
        return flow_found(reader, reader.value(), start, verdict)
    if notes:
        verdict = worse(verdict, "normalised")
    return Found(verdict, value, notes, start, end)


def flow_found(reader: Flow, value: Any, start: int, verdict: Verdict) -> Found:
    """What the tolerant reader read as a candidate."""
    if reader.notes:
        verdict = worse(verdict, "normalised")
    if reader.guesses:
        verdict = worse(verdict, "repaired")
    return Found(verdict, value, [*reader.notes, *reader.guesses], start, reader.at)


class Candidates:
    """Reads all values of a text: `found`, the places of `broken` ones, and the `errors`."""

    def __init__(self, text: str, lines: list[str], wanted: Wanted) -> None:
        self.text = text
        self.lines = lines
        self.wanted = wanted
        self.found: list[Found] = []
        self.broken: list[int] = []
        self.errors: list[str] = []
        self._taken: list[tuple[int, int]] = []
        self._closers: set[int] = set()
        self._line_starts = [0, *accumulate(len(line) + 1 for line in lines)]

    def read(self) -> Candidates:
        """Read fences and brackets in their order, then blocks in the prose between."""
        at, fences = 0, list(islice(_FENCE.finditer(self.text), MAX_FENCES + 1))
        if len(fences) > MAX_FENCES or self.text.count("{") > MAX_BRACKETS:
            raise TooDeep("it has too many fences or brackets")
        bracket, index = _BRACKET.search(self.text), 0
        while True:
            while index < len(fences) and fences[index].start() < at:
                index += 1
            if bracket and bracket.start() < at:
                bracket = _BRACKET.search(self.text, at)
            fence = fences[index] if index < len(fences) else None
            if bracket and (fence is None or bracket.start() < fence.start()):
                at = self._bracket(bracket.start(), len(self.text))
            elif fence:
                at = max(self._fence(fences, index), fence.start() + 1)
            else:
                break
        self._blocks()
        return self

    def _add(self, found: Found) -> None:
        if len(self.found) >= MAX_FOUND:
            raise TooDeep(f"it has more than {MAX_FOUND} values one after another")
        self.found.append(found)
        self._taken.append((found.start, found.end))

    def _fail(self, error: Unreadable, place: int) -> None:
        self.errors.append(str(error.args[0]))
        self.broken.append(place)
        if len(self.broken) > MAX_BROKEN:
            raise TooDeep("it has too many broken brackets")

    def _bracket(self, start: int, end: int) -> int:
        """Read the value in brackets that starts there; where to go on."""
        try:
            value, stop, notes = decode_at(self.text, start)
            self._add(strict_found(self.text, start, stop, value, notes, "extracted"))
            return stop
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable:
            reader = Flow(self.text, start, end)
        try:
            value = reader.value()
            self._add(flow_found(reader, value, start, "extracted"))
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable as error:
            self._fail(error, start)
        return max(reader.at, start + 1)

    def _fence(self, fences: list[re.Match[str]], index: int) -> int:
        """Read what stands in a fence; where to go on."""
        opening = fences[index]
        if opening.start() in self._closers:
            return opening.end()
        closing = self._closing(fences, index)
        start, end = opening.end(), closing.start() if closing else len(self.text)
        words = opening[3].split()
        info = words[0].lower() if words else ""
        if info in _DATA:
            after = self._data(start, end, closed=closing is not None)
        else:
            after = start if info in _NESTING or not closing else end
            self._taken.append((start, after))
        if info and info in _DATA and not closing and after == start:
            self.broken.append(start)
        if closing:
            self._closers.add(closing.start())
            return max(after, closing.end()) if after > start else start
        return after

    def _closing(self, fences: list[re.Match[str]], index: int) -> re.Match[str] | None:
        opening = fences[index]
        for fence in fences[index + 1 : index + 200]:
            if (
                fence.start() not in self._closers
                and not fence[3].strip()
                and fence[2].startswith(opening[2])
                and len(fence[1]) <= len(opening[1])
            ):
                return fence
        return None

    def _data(self, start: int, end: int, *, closed: bool) -> int:
        """Read the body of a fence; where it ended, or its start where nothing was read."""
        body = self.text[start:end]
        content = body.lstrip()
        if content[:1] in ("{", "["):
            return self._bracket(end - len(content), end)
        first_line = bisect_right(self._line_starts, start) - 1
        if start > self._line_starts[first_line]:
            first_line += 1
        reader = BlockReader(body.strip("\n").split("\n"), first_line + 1, self.wanted.names)
        try:
            value = _whole_body(reader)
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable as error:
            self._fail(error, start)
            return start
        if not isinstance(value, dict):
            return start
        if not closed:
            reader.guesses["a fence is not closed"] = None
        verdict: Verdict = "normalised" if reader.notes else "extracted"
        verdict = "repaired" if reader.guesses else verdict
        self._add(Found(verdict, value, [*reader.notes, *reader.guesses], start, end))
        return end

    def _blocks(self) -> None:
        """Read the YAML blocks that stand in the prose."""
        taken = sorted(self._taken)
        starts = [start for start, _ in taken]
        reader = BlockReader(list(self.lines), is_field=self.wanted.names)
        for key in islice(TOP_KEY.finditer(self.text), MAX_KEYS):
            line = bisect_right(self._line_starts, key.start()) - 1
            place = bisect_right(starts, key.start()) - 1
            inside = place >= 0 and key.start() < taken[place][1]
            if line < reader.at or inside or not self.wanted.may_start(key.group() + " "):
                continue
            self._block(reader, line)

    def _block(self, reader: BlockReader, line: int) -> None:
        reader.at, start = line, self._line_starts[line]
        reader.notes, reader.guesses = {}, {}
        try:
            value = reader.mapping(0, 0, top=True)
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable as error:
            self._fail(error, start)
            reader.at = max(reader.at, line + 1)
            return
        last = reader.at
        while last > line and not reader.lines[last - 1].strip():
            last -= 1
        guesses = dict(reader.guesses)
        is_followed = last == reader.at and last < len(reader.lines)
        if is_followed and not reader.lines[last].lstrip().startswith(("```", "~~~")):
            guesses["text stands right below the mapping"] = None
        verdict: Verdict = "repaired" if guesses else "normalised" if reader.notes else "extracted"
        weak = not self.wanted.is_complete(value)
        end = self._line_starts[last] - 1
        self._add(Found(verdict, value, [*reader.notes, *guesses], start, end, True, weak))


def _whole_body(reader: BlockReader) -> Any:
    """The one value that the lines are. Raises Unreadable where something follows it."""
    first = reader.peek()
    if first is not None and first[1] == "---":
        reader.at += 1
        first = reader.peek()
    if first is None or not (":" in first[1] and uncommented(first[1])):
        return None
    value = reader.node(0, -1)
    if reader.peek() is not None:
        raise reader.fail("something follows the mapping")
    return value
