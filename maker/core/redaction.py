"""Takes credentials out of texts: the values of the environment, and all well-known shapes.

Each is found raw and in every spelling that a reader of JSON or YAML decodes to it. The shapes
alone are a rule (`redact`, pure); a `Redactor` also knows values, which no rule may know.
"""

from __future__ import annotations

import base64
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from urllib.parse import quote

from maker.core.secret_shapes import SHORTEST, Span, may_hold_shape, shapes_in
from maker.core.text import clean

SHORTEST_SECRET = 8
"""Shorter values of the environment are too common to be replaced."""
_DEEPEST = 4
"""How often a text is decoded: a string in a JSON text in a string, and then some."""
_PASSES = 4
"""What is cut out can bring a credential's neighbour to its boundary; two passes see it."""

_MARK = re.compile(r"\[redacted:[a-z-]{1,20}\]")
_ESCAPE = re.compile(
    r"\\(?:([\"'\\/ abefnrtv0])|(?:u([0-9a-fA-F]{4})|U(00[01][0-9a-fA-F]{5})|x([0-9a-fA-F]{2}))"
    r"(?:(?<=\\u[dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}))?+|\r?\n[ \t]*+)"
)
_LETTERS = {
    **{"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"},
    **{"v": "\v", "0": "\0", " ": " ", "/": "/", "\\": "\\", '"': '"', "'": "'"},
}


class Redactor:
    """Redacts the given secrets and the well-known shapes. Built once, used for a whole run."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = {value for each in secrets if len(value := clean(each).strip()) >= SHORTEST_SECRET}
        self._spellings = sorted({way for value in values for way in _spellings(value)})
        self._folded = [_folded(value) for value in sorted(values) if len(value.split()) > 1]

    def redact(self, text: str) -> str:
        """The text with each credential as `[redacted:kind]`; the same object if it has none.

        Doing it twice changes nothing.
        """
        for _ in range(_PASSES):
            if not self.may_hold(text):
                break
            spans = sorted(self._spans(_View(text)), key=lambda span: span.start)
            without = _without(text, spans)
            if without == text:
                break
            text = without
        return text

    def may_hold(self, text: str) -> bool:
        """Whether a credential could be in the text: quick, and asked before everything else."""
        return len(text) >= SHORTEST_SECRET and (
            "\\" in text
            or may_hold_shape(text)
            or any(spelling in text for spelling in self._spellings)
            or any(pattern.search(text) for pattern in self._folded)
        )

    def _spans(self, view: _View) -> Iterator[Span]:
        """The credentials in the text, and in what it decodes to, as places of the text itself."""
        for _ in range(_DEEPEST):
            for start, end, kind in self._spans_in(view.text):
                yield Span(view.origin(start), view.origin(end), kind)
            following = view.decoded()
            if following is None:
                break
            view = following

    def _spans_in(self, text: str) -> Iterator[Span]:
        for spelling in self._spellings:
            at = text.find(spelling)
            while at >= 0:
                yield Span(at, at + len(spelling), "secret")
                at = text.find(spelling, at + len(spelling))
        for pattern in self._folded:
            for found in pattern.finditer(text):
                yield Span(*found.span(), "secret")
        yield from shapes_in(text)


_SHAPES_ONLY = Redactor()


def redact(text: str) -> str:
    """The text with all well-known credentials as `[redacted:kind]`, the same on every machine."""
    return text if len(text) < SHORTEST else _SHAPES_ONLY.redact(text)


class _View:
    """A text, or what another view decodes to; it knows where its characters came from."""

    def __init__(self, text: str, source: _View | None = None) -> None:
        self.text, self._source = text, source

    def decoded(self) -> _View | None:
        """What the text stands for inside of a JSON or YAML string; None if it is that already."""
        if "\\" not in self.text:
            return None
        text = _ESCAPE.sub(_character, self.text)
        return _View(text, self) if text != self.text else None

    def origin(self, place: int) -> int:
        """The place in the outermost text where the character at this place comes from."""
        return place if self._source is None else self._source.origin(self._origins[place])

    @cached_property
    def _origins(self) -> Sequence[int]:
        assert self._source is not None
        origins, at = array("I"), 0
        for found in _ESCAPE.finditer(self._source.text):
            origins.extend(range(at, found.start()))
            origins.extend(found.start() for _ in _character(found))
            at = found.end()
        origins.extend(range(at, len(self._source.text) + 1))
        return origins


def _character(escape: re.Match[str]) -> str:
    letter = escape[1]
    if letter is not None:
        return _LETTERS[letter]
    code = escape[2] or escape[3] or escape[4]
    if code is None:
        return ""  # the line goes on
    if escape[5] is not None:
        return chr(0x10000 + ((int(code, 16) - 0xD800) << 10) + (int(escape[5], 16) - 0xDC00))
    return chr(min(int(code, 16), 0x10FFFF))


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with marks in the place of the spans, which are in order and may overlap."""
    marks = [mark.span() for mark in _MARK.finditer(text)]
    parts: list[str] = []
    at = begin = end = 0
    kind = ""
    for span in [*spans, Span(len(text), len(text), "")]:
        if span.kind == "secret" and any(a < span.end and span.start < b for a, b in marks):
            continue  # a secret may look like a part of a mark
        if span.start < end:
            end = max(end, span.end)
            continue
        if kind:
            parts += [text[at:begin], f"[redacted:{kind}]"]
            at = end
        begin, end, kind = span
    return "".join([*parts, text[at:]])


def _spellings(value: str) -> Iterator[str]:
    """The ways to write a value that no escape in a string accounts for."""
    yield value
    yield value.replace("'", "''")  # in YAML's single quotes
    for safe in ("", "/"):
        in_a_url = quote(value, safe=safe)
        yield in_a_url
        yield re.sub("%..", lambda code: code[0].lower(), in_a_url)
        yield in_a_url.replace("%20", "+")
    data = value.encode()
    # In base64, the part that is the same whatever stands before and after the value.
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + data).decode()[skipped:whole]


def _folded(value: str) -> re.Pattern[str]:
    """The value however its blanks and line breaks are folded or indented."""
    return re.compile(r"\s++".join(map(re.escape, value.split())))
