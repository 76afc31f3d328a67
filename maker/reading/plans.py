"""A plan's text, to the mapping in it and a verdict on how sure the reading is.

Plans are YAML as models write it, perhaps in prose or a fence; JSON is accepted, too.
"""

from __future__ import annotations

from maker.reading.fit import Fitting
from maker.reading.loaded import Loaded
from maker.reading.loader import in_text, without_credentials
from maker.reading.wanted import Wanted


def load_mapping(text: str, text_fields: frozenset[str]) -> Loaded:
    """The mapping in a text; fields of these names keep their text as written, at any depth."""
    wanted = Wanted(text_fields, at_any_depth=True)
    fitting = Fitting(text_fields)
    return without_credentials(in_text(text, wanted, fitting, lambda value, f: f.fit(value, None)))
