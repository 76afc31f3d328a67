"""How long texts that share parts are kept: the parts once, by hash, and a recipe of each text.

A prompt is cut where its sections and its data begin. What comes a second time in a run, together
with its neighbours that do, is kept as a content of its own, and recipes name it; what comes once
stays in its recipe. So a text is given back byte for byte, and its own hash proves it.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TypeVar

import msgspec

from maker.errors import LogDamaged

T = TypeVar("T")

CODEC = "recipe"
SHORTEST_TEXT = 1_000
SHORTEST_PART = 128
"""Shorter parts cost more as a content of their own than in every recipe."""
MOST_PARTS = 4_096
"""So many parts of a run are remembered; what is forgotten is kept once more."""
_CUTS = re.compile(rb'(?=\\n\\n# )|(?=\\n<[a-z_]+[ >])|(?<=[a-z]>)(?=\\n)|(?<=","prompt":")')
"""In JSON text, as prompts are kept: before a heading, around data in its tag, between the two."""
Recipe = list[bytes | list[bytes]]
"""Text as it is, or the hash of a part, in a list of its own."""
_decode = msgspec.msgpack.Decoder(Recipe).decode


class Kitchen:
    """Makes recipes for the texts of one run. Whoever lost a recipe that it made begins anew."""

    def __init__(self) -> None:
        self._seen: dict[int, None] = {}
        self._kept: dict[bytes, None] = {}

    def cook(self, text: bytes) -> tuple[bytes, Mapping[bytes, bytes]] | None:
        """A packed recipe, and the parts that must be kept with it, by hash; None: keep the text.

        Parts that a recipe of this run names already are not among them.
        """
        if len(text) < SHORTEST_TEXT:
            return None
        recipe: Recipe = []
        new: dict[bytes, bytes] = {}
        cuts = _CUTS.split(text)
        for is_known, run in groupby(cuts, key=lambda cut: hash(cut) in self._seen):
            part = b"".join(run)
            if not is_known or len(part) < SHORTEST_PART:
                recipe.append(part)
                continue
            digest = hashlib.sha256(part).digest()
            recipe.append([digest])
            if digest not in self._kept:
                new[digest] = part
                _remember(self._kept, digest)
        for cut in cuts:
            _remember(self._seen, hash(cut))
        return zlib.compress(msgspec.msgpack.encode(recipe), 1), new


def _remember(memory: dict[T, None], name: T) -> None:
    memory[name] = None
    if len(memory) > MOST_PARTS:
        del memory[next(iter(memory))]


def parts_of(packed: bytes) -> list[bytes]:
    """The hashes of the parts that a packed recipe names. Raises LogDamaged."""
    return [part[0] for part in _recipe(packed) if isinstance(part, list)]


def text_of(packed: bytes, part: Callable[[bytes], bytes]) -> bytes:
    """The text of a packed recipe; `part` gives a part by its hash. Raises LogDamaged."""
    return b"".join(each if isinstance(each, bytes) else part(each[0]) for each in _recipe(packed))


def _recipe(packed: bytes) -> Recipe:
    try:
        recipe = _decode(zlib.decompress(packed))
    except (zlib.error, TypeError, msgspec.MsgspecError) as error:
        raise LogDamaged(f"the recipe of a content cannot be read: {error}") from error
    if any(isinstance(part, list) and len(part) != 1 for part in recipe):
        raise LogDamaged("the recipe of a content names no parts")
    return recipe
