"""A step's reply, to the answer in it and a verdict on how sure the reading is.

Answers are JSON in prose, in fences and after drafts: the last complete value counts, and a
draft never wins silently. A YAML mapping is accepted, too.
"""

from __future__ import annotations

from typing import Any

from maker.reading.doubts import doubted
from maker.reading.fit import Fitting
from maker.reading.loaded import Loaded
from maker.reading.loader import last_value, loaded, without_credentials
from maker.reading.quick import quick
from maker.reading.wanted import Wanted
from maker.schema.schema import Fields, Maybe, Schema


def load(text: str, schema: Schema | None = None) -> Loaded:
    """The value in a reply, converted as the schema declares. Never raises, whatever the text."""
    return quick(text, schema) or load_any(text, schema)


def load_any(text: str, schema: Schema | None = None) -> Loaded:
    """The same for any text, though one that is as it was asked for could be read at once."""
    record = schema.inner if isinstance(schema, Maybe) else schema
    wanted = Wanted([name for name, _ in record.fields] if isinstance(record, Fields) else [])

    def fitted(value: Any, fitting: Fitting) -> Any:
        return fitting.fit(_unwrapped(value, wanted, fitting), schema)

    def read(part: str) -> Loaded:
        return loaded(part, lambda own: last_value(own, wanted), Fitting(), fitted)

    return without_credentials(doubted(text, schema, read))


def _unwrapped(value: Any, wanted: Wanted, fitting: Fitting) -> Any:
    """`{output: {...}}` is read as its inside, where the inside has the declared fields."""
    for _ in range(3):
        if not isinstance(value, dict) or len(value) != 1:
            break
        (key, inside), *_ = value.items()
        if wanted.names(key) or not wanted.is_wrapper(key) or not isinstance(inside, dict):
            break
        if not any(map(wanted.names, inside)):
            break
        fitting.note("", f"the inside of {key} read as the answer")
        value = inside
    return value
