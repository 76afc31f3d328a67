"""What a model replied, to a value and a verdict on how sure the reading is.

The last complete value counts; a draft never wins silently. Where values stand in the text is
found in `scan.py`, brackets and blocks are read in `flow.py` and `yaml_core.py`.
"""

from __future__ import annotations

from typing import Any

from maker.core.entrance import purified
from maker.core.redaction import redact
from maker.core.text import MOST_CHARACTERS, clean, one_line
from maker.reading.candidates import Found
from maker.reading.doubts import doubted
from maker.reading.fit import Fitting
from maker.reading.loaded import (
    Loaded,
    Unreadable,
    Verdict,
    worse,
)
from maker.reading.quick import quick
from maker.reading.scalars import Plain
from maker.reading.scan import find
from maker.reading.wanted import Wanted
from maker.schema.schema import Maybe, Record, Schema


def load(text: str, schema: Schema | None = None) -> Loaded:
    """The value in a reply, converted as the schema declares. Never raises, whatever the text."""
    return quick(text, schema) or load_any(text, schema)


def load_any(text: str, schema: Schema | None = None) -> Loaded:
    """The same for any text, though one that is as it was asked for could be read at once."""
    record = schema.inner if isinstance(schema, Maybe) else schema
    fields = [name for name, _ in record.fields] if isinstance(record, Record) else []

    def read(part: str) -> Loaded:
        return _load(part, Wanted(fields), schema, frozenset())

    return _without_credentials(doubted(text, schema, read))


def load_mapping(text: str, string_fields: frozenset[str]) -> Loaded:
    """The mapping in a text; fields of these names keep their text as written, at any depth."""
    wanted = Wanted(string_fields, at_any_depth=True)
    return _without_credentials(_load(text, wanted, None, string_fields))


def _without_credentials(loaded: Loaded) -> Loaded:
    """A credential that was spelled with escapes appears only in the decoded value."""
    return purified(loaded, redact)


def _load(text: str, wanted: Wanted, schema: Schema | None, text_fields: frozenset[str]) -> Loaded:
    if len(text) > MOST_CHARACTERS:
        return _unreadable(f"it has {len(text):,} characters, the limit is {MOST_CHARACTERS:,}")
    text = clean(text).lstrip("\ufeff").replace("\r\n", "\n")
    try:
        found = _unquoted(find(text, wanted), wanted)
        return _fitted(found, wanted, schema, text_fields)
    except Unreadable as error:
        return _unreadable(str(error.args[0]))
    except RecursionError:
        return _unreadable("it nests too deep")


def _unreadable(error: str) -> Loaded:
    return Loaded(verdict="unreadable", error=one_line(error, 300))


def _unquoted(found: Found, wanted: Wanted) -> Found:
    """An object given as a JSON string is read as the object."""
    if not isinstance(found.value, str) or isinstance(found.value, Plain):
        return found
    inner = find(found.value, wanted)
    if inner.verdict == "unreadable" or not isinstance(inner.value, dict | list):
        raise Unreadable("it is a string, not a mapping")
    verdict = worse(worse(found.verdict, inner.verdict), "normalised")
    return Found(verdict, inner.value, [*found.notes, "a mapping in a string read as it"])


def _fitted(
    found: Found, wanted: Wanted, schema: Schema | None, text_fields: frozenset[str]
) -> Loaded:
    fitting = Fitting(text_fields)
    value = _unwrapped(found.value, wanted, fitting)
    value = fitting.fit(value, schema)
    verdict: Verdict = found.verdict
    if fitting.notes:
        verdict = worse(verdict, "normalised")
    if fitting.guesses:
        verdict = worse(verdict, "repaired")
    return Loaded(
        verdict=verdict, value=value, notes=[*found.notes, *fitting.notes, *fitting.guesses]
    )


def _unwrapped(value: Any, wanted: Wanted, fitting: Fitting) -> Any:
    """`{output: {...}}` is read as its inside, where the inside has the declared fields."""
    for _ in range(3):
        if not isinstance(value, dict) or len(value) != 1 or wanted.at_any_depth:
            break
        (key, inside), *_ = value.items()
        if wanted.names(key) or not wanted.is_wrapper(key) or not isinstance(inside, dict):
            break
        if not any(map(wanted.names, inside)):
            break
        fitting.note("", f"the inside of {key} read as the answer")
        value = inside
    return value
