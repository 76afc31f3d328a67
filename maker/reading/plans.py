"""A plan's text, to the mapping in it and a verdict on how sure the reading is.

Models write YAML in their own way, perhaps in prose or a fence; what people write in a file is
YAML, or JSON, and nothing else.
"""

from __future__ import annotations

from typing import Any

from maker.reading.candidates import Found
from maker.reading.fit import Fitting
from maker.reading.json_text import DuplicateKey, TooDeep, decode_at
from maker.reading.loaded import Loaded, Unreadable
from maker.reading.loader import last_value, loaded, without_credentials
from maker.reading.wanted import Wanted


def load_mapping(text: str, text_fields: frozenset[str]) -> Loaded:
    """The mapping in a reply; fields of these names keep their text as written, at any depth."""
    wanted = Wanted(text_fields, at_any_depth=True)
    read = loaded(text, lambda own: last_value(own, wanted), Fitting(text_fields), _fit)
    return without_credentials(read)


def load_file(text: str, text_fields: frozenset[str]) -> Loaded:
    """The same for a text that is YAML or JSON, wholly: its errors name their line."""
    return without_credentials(loaded(text, _whole, Fitting(text_fields), _fit))


def _fit(value: Any, fitting: Fitting) -> Any:
    return fitting.fit(value, None)


def _whole(text: str) -> Found:
    """The text as one value: strict JSON, which may spell characters as YAML cannot, or YAML."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            value, end, notes = decode_at(text, len(text) - len(text.lstrip()))
        except (DuplicateKey, TooDeep):
            raise
        except Unreadable:
            end = 0
        if end and not text[end:].strip():
            return Found("normalised" if notes else "clean", value, notes)
    from maker.reading.yaml_text import document  # only what reads YAML loads PyYAML

    value = document(text)
    if value is None:
        raise Unreadable("it is empty")
    return Found("clean", value)
