"""What answers and plans share: the value that counts in a text, and the verdict on it.

Where values stand in the text is found in `scan.py`, brackets and blocks are read in `flow.py`
and `yaml_core.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maker.core.entrance import purified
from maker.core.redaction import redact
from maker.core.text import MOST_CHARACTERS, clean, one_line
from maker.reading.candidates import Found
from maker.reading.fit import Fitting
from maker.reading.loaded import Loaded, Unreadable, worse
from maker.reading.scalars import Plain
from maker.reading.scan import find
from maker.reading.wanted import Wanted


def loaded(
    text: str, find: Callable[[str], Found], fitting: Fitting, fit: Callable[[Any, Fitting], Any]
) -> Loaded:
    """The value that `find` finds in the text, converted by `fit`. Never raises."""
    if len(text) > MOST_CHARACTERS:
        return _unreadable(f"it has {len(text):,} characters, the limit is {MOST_CHARACTERS:,}")
    try:
        counting = find(clean(text).lstrip("\ufeff").replace("\r\n", "\n"))
        value = fit(counting.value, fitting)
    except Unreadable as error:
        return _unreadable(str(error.args[0]))
    except RecursionError:
        return _unreadable("it nests too deep")
    verdict = worse(counting.verdict, "normalised" if fitting.notes else "clean")
    verdict = worse(verdict, "repaired" if fitting.guesses else "clean")
    notes = [*counting.notes, *fitting.notes, *fitting.guesses]
    return Loaded(verdict=verdict, value=value, notes=notes)


def without_credentials(loaded: Loaded) -> Loaded:
    """A credential that was spelled with escapes appears only in the decoded value."""
    return purified(loaded, redact)


def _unreadable(error: str) -> Loaded:
    return Loaded(verdict="unreadable", error=one_line(error, 300))


def last_value(text: str, wanted: Wanted) -> Found:
    """The value in a reply that counts; an object given as a JSON string is read as the object."""
    found = find(text, wanted)
    if not isinstance(found.value, str) or isinstance(found.value, Plain):
        return found
    inner = find(found.value, wanted)
    if inner.verdict == "unreadable" or not isinstance(inner.value, dict | list):
        raise Unreadable("it is a string, not a mapping")
    verdict = worse(worse(found.verdict, inner.verdict), "normalised")
    return Found(verdict, inner.value, [*found.notes, "a mapping in a string read as it"])
