"""How long texts that share parts are kept: the parts once, by hash, and a recipe of each text.

A prompt is cut where its sections and its data begin. What comes a second time in a run, together
with its neighbours that do, is kept as a content of its own, and recipes name it; what comes once
stays in its recipe. So a text is given back byte for byte, and its own hash proves it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TypeVar

import msgspec

from maker.errors import LogDamaged

T = TypeVar("T")
U = TypeVar("U")

CODEC = "recipe"
SHORTEST_TEXT = 1_000
SHORTEST_PART = 128
"""Shorter parts cost more as a content of their own than in every recipe."""
MOST_PARTS = 4_096
MOST_KEPT = 32
"""So many cuts of a run are remembered, and parts with their hashes; what is forgotten is named or
kept once more."""
_BETWEEN, _BREAK = b'","prompt":"', b"\\n"
"""What stands between the two prompts, and a line break, in JSON text, as prompts are kept."""
Recipe = list[bytes | list[bytes]]
"""Text as it is, or the hash of a part, in a list of its own."""
_decode = msgspec.msgpack.Decoder(Recipe).decode


class Kitchen:
    """Makes recipes for the texts of one run. Whoever lost a recipe that it made begins anew."""

    def __init__(self) -> None:
        self._seen: dict[int, None] = {}
        self._kept: dict[bytes, bytes] = {}

    def cook(self, text: bytes) -> tuple[bytes, Mapping[bytes, bytes]] | None:
        """A packed recipe, and the parts that must be kept with it, by hash; None: keep the text.

        Parts that a recipe of this run names already are not among them.
        """
        if len(text) < SHORTEST_TEXT:
            return None
        recipe: Recipe = []
        new: dict[bytes, bytes] = {}
        cuts = list(_cuts(text))
        for is_known, run in groupby(cuts, key=lambda cut: hash(cut) in self._seen):
            part = b"".join(run)
            if not is_known or len(part) < SHORTEST_PART:
                recipe.append(part)
                continue
            digest = self._kept.get(part)
            if digest is None:
                digest = hashlib.sha256(part).digest()
                new[digest] = part
                _remember(self._kept, part, digest, MOST_KEPT)
            recipe.append([digest])
        for cut in cuts:
            _remember(self._seen, hash(cut), None, MOST_PARTS)
        # With a small window: to set up the usual one takes longer than all the rest.
        packer = zlib.compressobj(1, zlib.DEFLATED, 9, 1)
        return packer.compress(msgspec.msgpack.encode(recipe)) + packer.flush(), new


def _cuts(text: bytes) -> Iterator[bytes]:
    """The text in parts: cut between the prompts, before headings, and around data in its tag."""
    system, between, prompt = text.partition(_BETWEEN)
    yield system + between
    lines, begin, before = prompt.split(_BREAK), 0, b""
    for place, line in enumerate(lines):
        is_heading = not line and lines[place + 1 : place + 2] and lines[place + 1][:2] == b"# "
        if place and (is_heading or line[:1] == b"<" or before[-1:] == b">"):
            yield (_BREAK if begin else b"") + _BREAK.join(lines[begin:place])
            begin = place
        before = line
    yield (_BREAK if begin else b"") + _BREAK.join(lines[begin:])


def _remember(memory: dict[T, U], name: T, value: U, most: int) -> None:
    memory[name] = value
    if len(memory) > most:
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
