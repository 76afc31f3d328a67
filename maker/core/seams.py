"""The protocols of everything that is outside the core: agents, storage, time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from msgspec import Struct

from maker.core.models import AgentCall, AgentReply, CallKey, RunId, RunSummary


class Record(Struct, frozen=True, kw_only=True):
    """One event as it is stored: its place, its time, and the exact bytes that were hashed."""

    seq: int
    timestamp: float
    type: str
    payload: bytes
    hash: bytes


class Snapshot(Struct, frozen=True, kw_only=True):
    """The fold of a log up to an event, as `core/snapshot.py` writes it: a cache."""

    seq: int
    hash: bytes
    format: str
    state: bytes


class StopRequest(Struct, frozen=True, kw_only=True):
    """What another process asks of the owner of a run; a `kind` that it does not know, it ignores.

    `pause`: finish the calls under way, launch no other. `cancel`: stop at once, for good.
    """

    kind: str
    detail: str


AskUser: TypeAlias = Callable[[str, Sequence[str]], Awaitable[str]]
"""Puts a question and the labels of its options to the user; "" leaves it to the agent."""
Answer: TypeAlias = Callable[[CallKey, str, Sequence[str]], Awaitable[str]]
"""Answers the question that the agent of a call has, with its options; never with nothing."""


class Agent(Protocol):
    """Answers one call; where the call `may_ask`, its questions go to `answer`.

    Raises AgentUnavailable (ask again later), AgentNotReady (the user must act) or ModelNotFound;
    every other failure is a reply with an `error`. Cancelled, it may raise AgentInterrupted.
    """

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply: ...


class EventStore(Protocol):
    """Keeps the logs of runs. One transaction an append; `(run, seq)` is the lock.

    Every method may raise StoreTrouble: nothing was done, and it may go better soon.
    """

    @property
    def rescue_folders(self) -> Sequence[Path]:
        """Where what can never be stored is put aside, the best first; none: it is let go."""
        ...

    async def append(
        self,
        run: RunId,
        records: Sequence[Record],
        blobs: Mapping[str, bytes],
        summary: RunSummary,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Store the records that follow the run's last one, or raise ConcurrentAppend.

        `blobs` maps SHA-256 (hex) to content; `summary` and `snapshot` replace the run's.
        """
        ...

    async def read(self, run: RunId, seq: int, hash: bytes, most: int) -> list[Record]:
        """The next records after the one of this number and hash, none at the log's end.

        Raises RunNotFound, and LogDamaged where they do not follow it, or the end is another one
        than was noted.
        """
        ...

    async def snapshot(self, run: RunId) -> Snapshot | None:
        """The run's newest snapshot, if it is whole and of this log."""
        ...

    async def load(self, run: RunId) -> list[Record]:
        """All records of the run in order. Raises RunNotFound or LogDamaged."""
        ...

    async def head(self, run: RunId) -> tuple[int, bytes]:
        """Number and hash of the run's last record; 0 and GENESIS where it has none."""
        ...

    async def blob(self, digest: str) -> bytes:
        """The content with this SHA-256 (hex). Raises StoreError where there is none."""
        ...

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        """Take or renew the run's lease, or raise RunBusy; from whom it was taken, if anybody."""
        ...

    async def release(self, run: RunId, owner: str) -> None:
        """Give the lease back; nothing happens where another owner has it."""
        ...

    async def ask_to_stop(self, run: RunId, request: StopRequest, asked_by: str) -> None:
        """Leave a request for the owner of the run's lease. Raises RunNotFound.

        It is gone once the lease is given back, or passes to another owner.
        """
        ...

    async def stop_requests(self, run: RunId) -> Sequence[StopRequest]:
        """The requests that are open, in order."""
        ...

    async def close(self) -> None: ...


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def uptime(self) -> float:
        """Seconds of a clock that is never set, and runs on while the machine sleeps."""
        ...

    async def sleep(self, seconds: float) -> None: ...
