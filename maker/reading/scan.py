"""Which of the values in a reply counts: the last complete one that looks like the answer.

A later one that breaks off, cannot be read or had to be passed over makes the reading a guess.
Where values stand is found in `candidates.py`.
"""

from __future__ import annotations

import re

from maker.reading.candidates import (
    Candidates,
    Found,
    flow_found,
    strict_found,
)
from maker.reading.flow import Flow
from maker.reading.json_text import DuplicateKey, TooDeep, decode_at
from maker.reading.loaded import Unreadable, Verdict
from maker.reading.wanted import Wanted
from maker.reading.yaml_core import BlockReader

MAX_LINES = 300_000
MAX_VALUES = 150_000
_OPENING = re.compile(r"\{\s{0,200}[\"'“]\w")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def find(text: str, wanted: Wanted) -> Found:
    """The value that counts. Raises Unreadable."""
    stripped = text.strip()
    if not stripped:
        raise Unreadable("it is empty")
    if _has_too_many_values(text):
        raise Unreadable(f"it has more than {MAX_VALUES} values")
    whole = _whole_brackets(stripped) if stripped[0] in '{["' else None
    if whole is not None:
        return whole
    if text.count("\n") > MAX_LINES:
        raise Unreadable(f"it has more than {MAX_LINES} lines")
    lines = text.split("\n")
    whole = _whole_block(lines, wanted) if stripped[0] not in "{[" else None
    if whole is not None:
        return whole
    return _chosen(Candidates(text, lines, wanted).read(), wanted)


def _has_too_many_values(text: str) -> bool:
    """Whether reading what stands in brackets would take more memory and time than a reply may."""
    if "{" not in text and "[" not in text:
        return False
    if _marks(text) <= MAX_VALUES:
        return False
    return _marks(_STRING.sub("", text)) > MAX_VALUES


def _marks(text: str) -> int:
    return sum(map(text.count, "{[,"))


def _whole_brackets(text: str) -> Found | None:
    """The text as one JSON value or YAML mapping in brackets, or None."""
    try:
        value, end, notes = decode_at(text, 0)
    except (DuplicateKey, TooDeep):
        raise
    except Unreadable:
        return _whole_flow(text) if text[0] in "{[" else None
    return strict_found(text, 0, end, value, notes, "clean") if end == len(text) else None


def _whole_flow(text: str) -> Found | None:
    reader = Flow(text, 0)
    try:
        value = reader.value()
        reader.space()
    except (DuplicateKey, TooDeep):
        raise
    except Unreadable:
        return None
    if reader.guesses or reader.at < len(text):
        return None
    return flow_found(reader, value, 0, "clean")


def _whole_block(lines: list[str], wanted: Wanted) -> Found | None:
    """The text as one YAML mapping in block style, or None."""
    reader = BlockReader(lines, is_field=wanted.names)
    try:
        first = reader.peek()
        if first is not None and first[1] == "---":
            reader.at += 1
            first = reader.peek()
        if first is None or not wanted.may_start(first[1]):
            return None
        value = reader.mapping(first[0], 0, top=True)
        if reader.peek() is not None or not wanted.accepts(value):
            return None
    except TooDeep:
        raise
    except Unreadable:
        return None
    verdict: Verdict = "repaired" if reader.guesses else "normalised" if reader.notes else "clean"
    return Found(verdict, value, [*reader.notes, *reader.guesses])


def _chosen(candidates: Candidates, wanted: Wanted) -> Found:
    accepted = [each for each in candidates.found if wanted.accepts(each.value)]
    strong = [each for each in accepted if not each.weak]
    pool = _outermost(strong or accepted)
    if not pool:
        others = [each for each in candidates.found if not each.weak]
        if others and not candidates.errors:
            return others[-1]
        errors = candidates.errors
        raise Unreadable(errors[-1] if errors else "there is no JSON object or YAML mapping in it")
    best = pool[-1]
    doubt = _doubt(best, candidates, wanted)
    return Found("repaired", best.value, [*best.notes, doubt]) if doubt else best


def _doubt(best: Found, candidates: Candidates, wanted: Wanted) -> str:
    """Why the last readable value may not be the last word; empty where nothing speaks for it."""
    if any(place >= best.end for place in candidates.broken):
        return "a later value could not be read; this one stood before it"
    later = [each for each in candidates.found if each.start >= best.end]
    if any(isinstance(each.value, dict) and not each.weak for each in later):
        return "a later value has none of the declared fields and was passed over"
    needed = 1 if best.prose else 2
    if any(sum(map(wanted.names, each.value)) >= needed for each in later if each.weak):
        return "a later mapping is not complete; this one stood before it"
    if not later and _OPENING.search(candidates.text, best.end):
        return "something like a value stands after it"
    return ""


def _outermost(found: list[Found]) -> list[Found]:
    """Those that do not stand inside of another, in the order of their ends."""
    outer: list[Found] = []
    end = -1
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if each.end > end:
            outer.append(each)
            end = each.end
    return outer
