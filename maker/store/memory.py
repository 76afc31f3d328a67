"""The store without a disk: for tests, and for runs that nobody wants to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maker.core.models import RunId, RunSummary
from maker.core.seams import Record, Snapshot, StopRequest
from maker.errors import RunNotFound, StoreError
from maker.store import integrity, lease


class MemoryStore:
    """An EventStore whose content ends with the object; `close` leaves it usable.

    `summaries` shows the row of each run, as the last append left it.
    """

    def __init__(self) -> None:
        self.summaries: dict[RunId, RunSummary] = {}
        self._logs: dict[RunId, list[Record]] = {}
        self._snapshots: dict[RunId, Snapshot] = {}
        self._blobs: dict[str, bytes] = {}
        self._leases: dict[RunId, lease.Lease] = {}
        self._stop_requests: dict[RunId, list[StopRequest]] = {}

    @property
    def rescue_folders(self) -> tuple[Path, ...]:
        """Nowhere: what is kept in memory is lost in any case."""
        return ()

    async def append(
        self,
        run: RunId,
        records: Sequence[Record],
        blobs: Mapping[str, bytes],
        summary: RunSummary,
        snapshot: Snapshot | None = None,
    ) -> None:
        """Store the records that follow the run's last one, or raise ConcurrentAppend."""
        log = self._logs.get(run, [])
        integrity.follow(run, _head(log), records)
        self._logs.setdefault(run, log).extend(records)
        self._blobs.update(blobs)
        self.summaries[run] = summary
        if snapshot is not None:
            self._snapshots[run] = snapshot

    async def load(self, run: RunId) -> list[Record]:
        """All records of the run in order. Raises RunNotFound."""
        if run not in self._logs:
            raise RunNotFound(f"there is no run {run}", advice="See `maker history`.")
        return list(self._logs[run])

    async def read(self, run: RunId, seq: int, hash: bytes, most: int) -> list[Record]:
        """The next records after the one of this number and hash. Raises LogDamaged."""
        following = (await self.load(run))[seq : seq + most]
        return list(integrity.linked(following, integrity.Head(seq, hash)))

    async def snapshot(self, run: RunId) -> Snapshot | None:
        """The run's newest snapshot."""
        return self._snapshots.get(run)

    async def head(self, run: RunId) -> tuple[int, bytes]:
        """Number and hash of the run's last record; 0 and GENESIS where it has none."""
        head = _head(self._logs.get(run, []))
        return head.seq, head.hash

    async def blob(self, digest: str) -> bytes:
        """The content with this SHA-256 (hex). Raises StoreError where there is none."""
        try:
            return self._blobs[digest]
        except KeyError:
            raise StoreError(f"there is no blob {digest}") from None

    async def acquire(self, run: RunId, owner: str, now: float, ttl_s: float) -> str:
        """Take or renew the run's lease, or raise RunBusy; from whom it was taken, if anybody.

        The run need not exist yet.
        """
        held = self._leases.get(run)
        if held is not None and not lease.may_take(held, owner, now):
            raise lease.busy(run, held, now)
        if held is None or held.owner != owner:
            self._stop_requests.pop(run, None)
        self._leases[run] = lease.Lease(owner=owner, expires_at=now + ttl_s)
        return held.owner if held is not None and held.owner != owner else ""

    async def release(self, run: RunId, owner: str) -> None:
        """Give the lease back; nothing happens where another owner has it."""
        held = self._leases.get(run)
        if held is not None and held.owner == owner:
            del self._leases[run]
            self._stop_requests.pop(run, None)

    async def ask_to_stop(self, run: RunId, request: StopRequest, asked_by: str) -> None:
        """Leave a request for the owner of the run's lease. Raises RunNotFound."""
        if run not in self._logs:
            raise RunNotFound(f"there is no run {run}", advice="See `maker history`.")
        self._stop_requests.setdefault(run, []).append(request)

    async def stop_requests(self, run: RunId) -> list[StopRequest]:
        """The requests that are open, in order."""
        return list(self._stop_requests.get(run, ()))

    async def close(self) -> None:
        """Nothing is open."""


def _head(log: Sequence[Record]) -> integrity.Head:
    return integrity.Head(log[-1].seq, log[-1].hash) if log else integrity.START
