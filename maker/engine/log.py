"""The one funnel that every event of a run goes through: secrets, number, hash, fold, disk, caller.

Appending is synchronous, so that nothing can come between a reply and its place in the log. What
waits for the disk, and how, is in `writer.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from maker.core.entrance import purified
from maker.core.events import Event, chain, decode, encode, is_input
from maker.core.fold import apply, fold
from maker.core.redaction import Redactor
from maker.core.seams import Record
from maker.core.snapshot import encode_state
from maker.core.state import RunState, summary
from maker.core.text import clean
from maker.engine.claim import Claim
from maker.engine.trouble import Tell, warn
from maker.engine.writer import MOST_AHEAD, LogWriter
from maker.errors import LogDamaged
from maker.store.integrity import START, Head

SHORT_TEXT, REMEMBERED = 4_000, 256
"""Names, reasons and the replies of a vote come again and again: so many are remembered."""


class EventLog:
    """The log of one run, open for appending. Its `state` is always the fold of all of it.

    What comes from outside is kept without the given secrets and without well-known credentials.
    A `state` is the fold of all up to `head`, and is the log's from here on. Instead of them a
    whole history may be given, which is folded.
    """

    def __init__(
        self,
        claim: Claim,
        history: Sequence[Record] = (),
        *,
        state: RunState | None = None,
        head: Head = START,
        secrets: Sequence[str] = (),
        patience_s: float = 0.0,
        most_ahead: int = MOST_AHEAD,
        tell: Tell = warn,
    ) -> None:
        self.run, self.session = claim.run, claim.session
        if state is None:
            state = fold(decode(record.payload, seq=record.seq) for record in history)
        self.state = state
        self._clock = claim.clock
        self._redactor = Redactor(secrets)
        self._pure_short = lru_cache(maxsize=REMEMBERED)(self._pure)
        if history:
            head = Head(history[-1].seq, history[-1].hash)
        self._seq, self._head = head.seq, head.hash
        self.writer = LogWriter(
            claim,
            head,
            lambda: summary(self.state),
            lambda: encode_state(self.state),
            patience_s,
            most_ahead,
            tell,
        )

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last event that was appended."""
        return self._seq, self._head

    def pure(self, text: str) -> str:
        """The text as the log keeps it, for looking up what it has."""
        return self._pure_short(text) if len(text) <= SHORT_TEXT else self._pure(text)

    def _pure(self, text: str) -> str:
        return self._redactor.redact(clean(text))

    def append(self, event: Event, blobs: Mapping[str, bytes] | None = None) -> None:
        """Give the event its place. It is durable once `writer.durable()` returns after this.

        Input events are purified here and nowhere else; derived ones follow from purified ones.
        """
        if is_input(event):
            event = purified(event, self.pure)
        event = msgspec.structs.replace(event, timestamp=self._clock.now())
        self._put(encode(event), blobs or {})

    def adopt(self, records: Sequence[Record], blobs: Mapping[str, bytes]) -> None:
        """Append what an earlier session could not store, as it was. Raises LogDamaged."""
        for record in records:
            if record != self._put(record.payload, blobs):
                raise LogDamaged(f"event {record.seq} is not what it was", seq=record.seq)

    def _put(self, payload: bytes, blobs: Mapping[str, bytes]) -> Record:
        event = decode(payload)  # what a resume will see, so that it cannot see anything else
        apply(self.state, event)
        self._seq += 1
        self._head = chain(self._head, payload)
        record = Record(
            seq=self._seq,
            timestamp=event.timestamp,
            type=type(event).__name__,
            payload=payload,
            hash=self._head,
        )
        self.writer.put(record, event, blobs)
        return record
