"""How values become rows and rows become values, and the statements that read them.

Plain SQL text with `:name` parameters: the same statements run on SQLAlchemy and, for commands
that must start quickly, on the driver alone.
"""

from __future__ import annotations

import hashlib
import math
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from maker.core.models import RunId, RunSummary, Totals
from maker.core.seams import Record, Snapshot
from maker.errors import LogDamaged, RunNotFound, StoreError
from maker.store import integrity, recipes
from maker.store.payloads import Packer, Unpacker

Row: TypeAlias = Mapping[str, Any]
Fetch: TypeAlias = Callable[[str, Mapping[str, Any]], Sequence[Row]]
"""Runs a statement with `:name` parameters and gives its rows."""

INLINE_LIMIT_BYTES = 64 * 1024
"""A longer payload is kept as a blob, so that reading a log's rows stays quick."""
_WORTH_COMPRESSING_BYTES = 256
_RESTORE = "Restore the database from a backup."

NO_SUCH_ROW = (LookupError, TypeError, AttributeError, ValueError)
"""What the values of a damaged row, or of a table with other columns, raise where they are used."""

HEAD = "SELECT run, head_seq, head_hash FROM runs WHERE run_id = :run_id"
LOG = """
    SELECT r.run, r.head_seq, r.head_hash, e.seq, e.appended_at, e.type, e.payload, e.hash,
        e.blob, b.codec, b.content
    FROM runs r LEFT JOIN events e ON e.run = r.run LEFT JOIN blobs b ON b.digest = e.blob
    WHERE r.run_id = :run_id ORDER BY e.seq"""
"""One statement, so that log and head belong together while another process appends."""


def _part(where: str = "") -> str:
    return f"""
    SELECT e.seq, e.appended_at, e.type, e.payload, e.hash, e.blob, b.codec, b.content
    FROM events e LEFT JOIN blobs b ON b.digest = e.blob
    WHERE e.run = :key AND e.seq > :after {where} ORDER BY e.seq LIMIT :limit"""


PART = _part()
PLANS = _part("AND e.type = 'PlanCreated'")
"""As the condition of its index is spelled, so that the index is used."""
REPLIES = _part(
    "AND e.type = 'AgentReplied' AND (e.blob IS NOT NULL OR e.payload LIKE :pattern ESCAPE '!')"
)
OF_STEP = _part(
    "AND e.type NOT IN ('PlanCreated', 'TaskSubmitted', 'TaskCompleted', 'TaskFailed')"
    " AND (e.blob IS NOT NULL OR e.payload LIKE :field OR e.payload LIKE :key_of)"
)
"""At least the events of a step: which they are says the event."""
ENDS = """
    SELECT head_seq, (SELECT max(seq) FROM events WHERE run = :key) AS last FROM runs
    WHERE run = :key"""
"""Where the row says that the log ends, and where it does."""
EVENT = "SELECT type, appended_at, payload FROM events WHERE run = :key AND seq = :seq"
HASH = "SELECT hash FROM events WHERE run = :key AND seq = :seq"
SNAPSHOT = "SELECT seq, hash, format, checksum, state FROM snapshots WHERE run = :key"
PUT_SNAPSHOT = """
    INSERT INTO snapshots (run, seq, hash, format, checksum, state)
    VALUES (:run, :seq, :hash, :format, :checksum, :state)
    ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
        format = excluded.format, checksum = excluded.checksum, state = excluded.state"""
BLOB = "SELECT codec, content FROM blobs WHERE digest = :digest"


_TOTALS = Totals.__struct_fields__
_SUMMARY_TYPES = {
    field.name: field.type
    for kind in (RunSummary, Totals)
    for field in msgspec.structs.fields(kind)
    if field.name != "totals"
}


class Place(Struct, frozen=True):
    """Where a run is in the database: its integer key and the head of its log."""

    key: int
    head: integrity.Head


def run_bytes(run: RunId) -> bytes:
    """The run id as it is stored. Raises RunNotFound where it is none."""
    try:
        return uuid.UUID(run).bytes
    except ValueError:
        raise RunNotFound(f"{run!r} is not a run id", advice="See `maker history`.") from None


def no_such_run(run: RunId) -> RunNotFound:
    """The error for a run that is not in the database."""
    return RunNotFound(f"there is no run {run}", advice="See `maker history`.")


def digest_bytes(digest: str) -> bytes:
    """The name of a blob as it is stored. Raises StoreError where it is none."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        raise no_such_blob(digest) from None


def stored_digest(value: Any) -> bytes:
    """The name of a blob in a row. Raises LogDamaged where it is none."""
    if isinstance(value, bytes) and len(value) == 32:
        return value
    raise LogDamaged(f"the content {value!r} has a name that is no hash", advice=_RESTORE)


def no_such_blob(digest: str) -> StoreError:
    """The error for content that is not in the database."""
    return StoreError(f"there is no blob {digest}", advice="See `maker db check`.")


def summary_row(summary: RunSummary) -> dict[str, Any]:
    """The columns of `runs` that show the summary."""
    row = msgspec.structs.asdict(summary)
    return {**row, **msgspec.structs.asdict(row.pop("totals"))}


def summary_of(row: Mapping[str, Any]) -> tuple[RunSummary, str]:
    """The summary in a row of `runs`, and what in it makes no sense and was left out.

    One impossible value must not keep all other runs from being listed.
    """
    sound: dict[str, Any] = {"instruction": "", "status": "failed"}
    odd = []
    for name, kind in _SUMMARY_TYPES.items():
        value = row[name]
        try:
            sound[name] = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            odd.append(f"{name} is {value!r}: {error}")
        else:
            if isinstance(value, float) and not math.isfinite(value):
                del sound[name]
                odd.append(f"{name} is {value}")
    totals = Totals(**{name: sound.pop(name) for name in _TOTALS if name in sound})
    return RunSummary(**sound, totals=totals), "; ".join(odd)


BLOB_COLUMNS = ("digest", "codec", "content")
BlobRow: TypeAlias = tuple[bytes, str, bytes]


def blob_row(digest: bytes, content: bytes) -> BlobRow:
    """The row of a blob, compressed where that helps."""
    if len(content) >= _WORTH_COMPRESSING_BYTES:
        packed = zlib.compress(content, 1)
        if len(packed) < len(content):
            return digest, "zlib", packed
    return digest, "raw", content


def blob_content(digest: bytes, codec: str, content: bytes, fetch: Fetch) -> bytes:
    """What a row of `blobs` holds. Raises LogDamaged where it is not what it was."""
    if codec == recipes.CODEC:
        plain = recipes.text_of(content, lambda part: _shared(part, fetch))
    else:
        plain = _plain(codec, content)
    if hashlib.sha256(plain).digest() != digest:
        raise LogDamaged(
            f"blob {digest.hex()} does not match its hash: its content was changed",
            advice=_RESTORE,
        )
    return plain


def _shared(digest: bytes, fetch: Fetch) -> bytes:
    for row in fetch(BLOB, {"digest": digest}):
        return _plain(row["codec"], row["content"])
    raise LogDamaged(f"the content {digest.hex()}, a part of others, is missing", advice=_RESTORE)


def _plain(codec: str, content: bytes) -> bytes:
    if codec not in ("raw", "zlib"):
        raise LogDamaged(f"a content is kept as {codec!r}, which maker does not know")
    try:
        return zlib.decompress(content) if codec == "zlib" else bytes(content)
    except (zlib.error, TypeError):
        return b""


EVENT_COLUMNS = ("run", "seq", "type", "appended_at", "payload", "blob", "hash")


def event_rows(
    run: int, records: Sequence[Record], packer: Packer
) -> tuple[list[tuple[Any, ...]], dict[bytes, bytes]]:
    """The rows of the records, and the payloads that are too big for them, by digest."""
    big: dict[bytes, bytes] = {}
    rows = []
    for record in records:
        digest, packed = None, None
        if len(record.payload) > INLINE_LIMIT_BYTES:
            digest = hashlib.sha256(record.payload).digest()
            big[digest] = record.payload
        else:
            packed = packer.pack(record)
        place = run, record.seq, record.type, record.timestamp
        rows.append((*place, packed, digest, record.hash))
    return rows, big


def snapshot_row(run: int, snapshot: Snapshot) -> dict[str, Any]:
    """The row of a snapshot."""
    row = msgspec.structs.asdict(snapshot)
    return {"run": run, **row, "checksum": hashlib.sha256(snapshot.state).digest()}


def snapshot_of(row: Row) -> Snapshot | None:
    """The snapshot in a row; None where it is not as it was written."""
    state = row["state"]
    if not isinstance(state, bytes) or hashlib.sha256(state).digest() != row["checksum"]:
        return None
    return Snapshot(seq=row["seq"], hash=row["hash"], format=row["format"], state=state)


def place_of(row: Mapping[str, Any]) -> Place:
    """The place in a row of HEAD or LOG."""
    return Place(row["run"], integrity.Head(row["head_seq"], row["head_hash"]))


def log_of(run: RunId, listed: Sequence[Row], fetch: Fetch) -> list[Record]:
    """The verified records in the rows of LOG. Raises RunNotFound or LogDamaged."""
    if not listed:
        raise no_such_run(run)
    place = place_of(listed[0])
    log = Log(place.key, fetch)
    records = (log.record(row) for row in listed if row["seq"] is not None)
    return list(integrity.verified(records, place.head))


class Log:
    """Turns the rows of one run's log into its records, best in their order."""

    def __init__(self, key: int, fetch: Fetch) -> None:
        self._key, self._fetch = key, fetch
        self._unpacker = Unpacker(self._look_up)

    def record(self, row: Row) -> Record:
        """The record in a row of LOG or PART. Raises LogDamaged where it cannot be one."""
        try:
            seq, kind, time, packed = row["seq"], row["type"], row["appended_at"], row["payload"]
            if packed is None:
                payload = self._big_payload(row)
            else:
                payload = self._unpacker.unpack(seq, kind, time, packed)
            return Record(
                seq=seq,
                timestamp=time,
                type=kind,
                payload=payload,
                hash=row["hash"],
            )
        except (*NO_SUCH_ROW, msgspec.MsgspecError) as error:
            raise LogDamaged(f"the row of an event is none: {error!r}", advice=_RESTORE) from error

    def _look_up(self, seq: int) -> tuple[str, float, str]:
        for row in self._fetch(EVENT, {"key": self._key, "seq": seq}):
            return row["type"], row["appended_at"], row["payload"]
        raise LogDamaged(f"event {seq} is missing, and others refer to it", seq=seq)

    def _big_payload(self, row: Row) -> bytes:
        seq = row["seq"]
        if row["content"] is None:
            raise LogDamaged(f"the content of event {seq} is missing", seq=seq, advice=_RESTORE)
        try:
            return blob_content(row["blob"], row["codec"], row["content"], self._fetch)
        except LogDamaged as damage:
            raise LogDamaged(f"event {seq}: {damage.message}", seq=seq, advice=_RESTORE) from damage
