"""What a writer remembers of the rows of one run, so that nothing is kept twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from maker.store import recipes, rows
from maker.store.payloads import Packer
from maker.store.recipes import Kitchen

MOST_TEXTS = 1_024


class Packing:
    """It knows what was committed: whoever fails to commit forgets it and begins anew."""

    def __init__(self) -> None:
        self.packer, self._kitchen = Packer(), Kitchen()
        self._texts: dict[bytes, None] = {}

    def is_new(self, digest: bytes) -> bool:
        """Whether the content may not be in the database yet; from now on it is."""
        if digest in self._texts:
            return False
        self._texts[digest] = None
        if len(self._texts) > MOST_TEXTS:
            del self._texts[next(iter(self._texts))]
        return True

    def blob_rows(self, texts: Mapping[bytes, bytes]) -> Iterator[rows.BlobRow]:
        """The rows of new contents, and of the parts that they share with others."""
        for digest, content in texts.items():
            cooked = self._kitchen.cook(content)
            if cooked is None:
                yield rows.blob_row(digest, content)
                continue
            recipe, parts = cooked
            yield from (rows.blob_row(*part) for part in parts.items())
            yield digest, recipes.CODEC, recipe
