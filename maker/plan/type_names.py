"""Types as other languages spell them, in a schema that a plan writes: `list[str]`, `string|null`.

Only what can be read in one way is changed; names of fields, words of enumerations and quoted
words stay as they are.
"""

from __future__ import annotations

import re
from typing import get_args

from maker.schema.types import PrimitiveName

_NAMES = {
    **dict.fromkeys(("integer", "long"), "int"),
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("boolean",), "bool"),
    **dict.fromkeys(("number", "double"), "float"),
    **dict.fromkeys(("object", "dict", "json"), "any"),
}
_TYPES = "|".join((*get_args(PrimitiveName), "path", "url"))
_QUOTED = re.compile(r"(\"[^\"\n]*\"|'[^'\n]*')")
_NAME = re.compile(rf"(?<![\w|-])(?<!\|\s)({'|'.join(_NAMES)})\b(?!\s*(?:[:|]|-\w))", re.IGNORECASE)
_BEFORE_NULL = re.compile(
    rf"(?<![\w|-])({'|'.join((*_NAMES, *_TYPES.split('|')))})(?=\s*\|\s*(?:null|none|undefined)\b)",
    re.IGNORECASE,
)
_LIST = re.compile(r"\b(?:list|array|sequence)\s*\[(?!\s*\])", re.IGNORECASE)
_OPTIONAL = re.compile(r"\boptional\[\s*([\w]+)\s*\]", re.IGNORECASE)
_SUFFIX = re.compile(r"\b(\w+)\[\s*\]")
_OR_NULL = re.compile(rf"(?<![\w|-])({_TYPES})\s*\|\s*(?:null|none|undefined)\b", re.IGNORECASE)
_NULL_OR = re.compile(rf"(?<![\w|-])(?:null|undefined)\s*\|\s*({_TYPES})\b", re.IGNORECASE)
_WORDS_OR_NULL = re.compile(r"((?:[\w-]+\s*\|\s*)+[\w-]+)\s*\|\s*null\b")


def usual(schema: str) -> str:
    """The schema with its types by the names of the schema language."""
    parts = _QUOTED.split(schema)
    for number in range(0, len(parts), 2):  # what stands between quoted words
        text = _BEFORE_NULL.sub(_named, parts[number])
        text = _NULL_OR.sub(r"\1?", _OR_NULL.sub(r"\1?", text))
        text = _WORDS_OR_NULL.sub(r"\1?", text)
        text = _NAME.sub(_named, text)
        text = _OPTIONAL.sub(lambda match: f"{_NAMES.get(match[1].lower(), match[1])}?", text)
        text = _SUFFIX.sub(lambda match: f"[{_NAMES.get(match[1].lower(), match[1])}]", text)
        parts[number] = _LIST.sub("[", text)
    return "".join(parts)


def _named(found: re.Match[str]) -> str:
    return _NAMES.get(found[1].lower(), found[1].lower())
