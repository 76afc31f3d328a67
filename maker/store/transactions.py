"""What happens inside each transaction of the store, on a plain SQLAlchemy connection.

No connection is opened and nothing is committed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, text, update

from maker.core.models import RunId, RunSummary
from maker.core.seams import Record, Snapshot, StopRequest
from maker.errors import RunBusy
from maker.store import integrity, lease, rows, schema
from maker.store.packing import Packing

_MARKS = {"sqlite": "?", "postgresql": "%s"}
"""As the driver writes a parameter: SQLAlchemy's own executemany costs as much as SQLite's."""
_DIGESTS_AT_ONCE = 500
_READ_HEAD = text(rows.HEAD)
_PUT_SNAPSHOT = text(rows.PUT_SNAPSHOT)
_ADVANCE = update(schema.runs).where(
    schema.runs.c.run == bindparam("key"),
    schema.runs.c.head_seq == bindparam("old_seq"),
    schema.runs.c.head_hash == bindparam("old_hash"),
)
_KEY = select(schema.runs.c.run).where(schema.runs.c.run_id == bindparam("id")).scalar_subquery()
_STOP_REQUESTS = (
    select(schema.requests.c.kind, schema.requests.c.detail)
    .where(schema.requests.c.run == _KEY)
    .order_by(schema.requests.c.request)
)
_DROP_REQUESTS = delete(schema.requests).where(schema.requests.c.run == _KEY)
_LEASE = update(schema.runs).where(
    schema.runs.c.run_id == bindparam("id"), schema.runs.c.lease_epoch == bindparam("epoch")
)


def append(
    connection: Connection,
    run: RunId,
    noted_place: rows.Place | None,
    records: Sequence[Record],
    blobs: Mapping[str, bytes],
    summary: RunSummary,
    first_lease: lease.Lease | None,
    packing: Packing,
    snapshot: Snapshot | None,
) -> rows.Place:
    """Store the records that follow the log, the blobs and the run's row; the run's new place."""
    place = noted_place or _place(connection, run)
    head = integrity.follow(run, place.head if place else integrity.START, records)
    row = {**rows.summary_row(summary), "head_seq": head.seq, "head_hash": head.hash}
    if place is None:
        key = _create(connection, run, row, first_lease)
    else:
        key = place.key
        old = {"key": key, "old_seq": place.head.seq, "old_hash": place.head.hash}
        if connection.execute(_ADVANCE, {**old, **row}).rowcount != 1:
            raise integrity.overtaken(run, records[0].seq)
    events, big = rows.event_rows(key, records, packing.packer)
    texts = _new_texts(connection, blobs, packing)
    contents = [*packing.blob_rows(texts), *(rows.blob_row(*item) for item in big.items())]
    if contents:
        into = _into(connection, "blobs", rows.BLOB_COLUMNS)
        connection.exec_driver_sql(f"{into} ON CONFLICT DO NOTHING", contents)
    connection.exec_driver_sql(_into(connection, "events", rows.EVENT_COLUMNS), events)
    if snapshot is not None:
        connection.execute(_PUT_SNAPSHOT, rows.snapshot_row(key, snapshot))
    return rows.Place(key, head)


def _new_texts(
    connection: Connection, blobs: Mapping[str, bytes], packing: Packing
) -> dict[bytes, bytes]:
    """The contents that the database does not have yet; of those it has, no part is kept anew."""
    texts = {rows.digest_bytes(digest): content for digest, content in blobs.items()}
    texts = {digest: text for digest, text in texts.items() if packing.is_new(digest)}
    mark, digests = _MARKS[connection.dialect.name], list(texts)
    for begin in range(0, len(digests), _DIGESTS_AT_ONCE):
        some = tuple(digests[begin : begin + _DIGESTS_AT_ONCE])
        marks = ", ".join([mark] * len(some))
        stored = f"SELECT digest FROM blobs WHERE digest IN ({marks})"
        for (digest,) in connection.exec_driver_sql(stored, some).all():
            del texts[bytes(digest)]
    return texts


def _into(connection: Connection, table: str, columns: Sequence[str]) -> str:
    marks = ", ".join([_MARKS[connection.dialect.name]] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


def load(connection: Connection, run: RunId) -> tuple[rows.Place, list[Record]]:
    """The place and the verified log of a run. Raises RunNotFound or LogDamaged."""
    log = _fetch(connection)(rows.LOG, {"run_id": rows.run_bytes(run)})
    records = rows.log_of(run, log, _fetch(connection))
    return rows.place_of(log[0]), records


def read(
    connection: Connection, run: RunId, after: integrity.Head, most: int
) -> tuple[rows.Place, list[Record]]:
    """The run's place, and the next records after one. Raises RunNotFound or LogDamaged."""
    place = _place(connection, run)
    if place is None:
        raise rows.no_such_run(run)
    fetch = _fetch(connection)
    log = rows.Log(place.key, fetch)
    part = fetch(rows.PART, {"key": place.key, "after": after.seq, "limit": most})
    records = list(integrity.linked(map(log.record, part), after))
    if not records:
        integrity.require_head(place.head, after)
    return place, records


def hash_at(connection: Connection, place: rows.Place, seq: int) -> bytes:
    """The hash of the event of this number; nothing where there is none."""
    for row in _fetch(connection)(rows.HASH, {"key": place.key, "seq": seq}):
        return bytes(row["hash"])
    return b""


def snapshot(connection: Connection, run: RunId) -> Snapshot | None:
    """The run's snapshot, if it is whole and its event is in the log as it was then."""
    place = _place(connection, run)
    if place is None:
        return None
    for row in _fetch(connection)(rows.SNAPSHOT, {"key": place.key}):
        stored = rows.snapshot_of(row)
        if stored is not None and hash_at(connection, place, stored.seq) == stored.hash:
            return stored
    return None


def head(connection: Connection, run: RunId) -> integrity.Head:
    """Where the run's log ends."""
    place = _place(connection, run)
    return place.head if place else integrity.START


def blob(connection: Connection, digest: str) -> bytes:
    """The content with this SHA-256 (hex). Raises StoreError."""
    name = rows.digest_bytes(digest)
    fetch = _fetch(connection)
    for row in fetch(rows.BLOB, {"digest": name}):
        return rows.blob_content(name, row["codec"], row["content"], fetch)
    raise rows.no_such_blob(digest)


def _fetch(connection: Connection) -> rows.Fetch:
    return lambda statement, values: [
        row._asdict() for row in connection.execute(text(statement), values)
    ]


def acquire(connection: Connection, run: RunId, owner: str, now: float, ttl_s: float) -> str | None:
    """Take or renew the lease, or raise RunBusy; from whom it was taken, if anybody.

    None where the run has no row yet.
    """
    row = connection.execute(_lease_columns(run)).first()
    if row is None:
        return None
    if row.lease_owner is not None:
        held = lease.Lease(owner=row.lease_owner, expires_at=row.lease_expires_at)
        if not lease.may_take(held, owner, now):
            raise lease.busy(run, held, now)
    if row.lease_owner != owner:
        _drop_requests(connection, run)
    if not _write_lease(connection, run, row.lease_epoch, owner, now + ttl_s):
        raise RunBusy(f"another process has just taken run {run}", advice="See `maker history`.")
    return row.lease_owner or "" if row.lease_owner != owner else ""


def release(connection: Connection, run: RunId, owner: str) -> None:
    """Give the lease back where `owner` has it."""
    row = connection.execute(_lease_columns(run)).first()
    if row is not None and row.lease_owner == owner:
        _write_lease(connection, run, row.lease_epoch, None, None)
        _drop_requests(connection, run)


def ask_to_stop(
    connection: Connection, run: RunId, request: StopRequest, asked_by: str, now: float
) -> None:
    """Leave a request for whoever has the lease. Raises RunNotFound."""
    place = _place(connection, run)
    if place is None:
        raise rows.no_such_run(run)
    row = {"kind": request.kind, "detail": request.detail, "asked_by": asked_by, "asked_at": now}
    connection.execute(insert(schema.requests), {"run": place.key, **row})


def stop_requests(connection: Connection, run: RunId) -> list[StopRequest]:
    """The open requests, in order."""
    stops = connection.execute(_STOP_REQUESTS, {"id": rows.run_bytes(run)})
    return [StopRequest(kind=kind, detail=detail) for kind, detail in stops]


def _drop_requests(connection: Connection, run: RunId) -> None:
    """What was asked of one owner is no matter of the next one."""
    connection.execute(_DROP_REQUESTS, {"id": rows.run_bytes(run)})


def _place(connection: Connection, run: RunId) -> rows.Place | None:
    head = connection.execute(_READ_HEAD, {"run_id": rows.run_bytes(run)}).first()
    return rows.place_of(head._asdict()) if head else None


def _create(
    connection: Connection, run: RunId, row: dict[str, object], first: lease.Lease | None
) -> int:
    values = {
        "run_id": rows.run_bytes(run),
        **row,
        "lease_owner": first.owner if first else None,
        "lease_expires_at": first.expires_at if first else None,
    }
    created = insert(schema.runs).returning(schema.runs.c.run)
    key: int = connection.execute(created, values).scalar_one()
    return key


def _lease_columns(run: RunId) -> Select[tuple[str | None, float | None, int]]:
    columns = schema.runs.c
    return select(columns.lease_owner, columns.lease_expires_at, columns.lease_epoch).where(
        columns.run_id == rows.run_bytes(run)
    )


def _write_lease(
    connection: Connection, run: RunId, epoch: int, owner: str | None, expires_at: float | None
) -> bool:
    """Whether the lease was still as it was read: each change counts its epoch up."""
    where = {"id": rows.run_bytes(run), "epoch": epoch}
    change = _LEASE.values(lease_owner=owner, lease_expires_at=expires_at, lease_epoch=epoch + 1)
    return connection.execute(change, where).rowcount == 1
