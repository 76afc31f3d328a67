"""How much room a database and each of its runs take."""

from __future__ import annotations

import contextlib

from msgspec import Struct

from maker.errors import LogDamaged
from maker.store import references
from maker.store.queries import Reader, RunRow

_ROW_BYTES = 70
"""What a row of `events` takes beside its payload: hash, time, type and number."""
_DIGESTS_AT_ONCE = 500
_EVENTS = """
    SELECT count(*) AS events, coalesce(sum(length(payload)), 0) AS characters FROM events
    WHERE run = :key"""
_FREE = "SELECT freelist_count * page_size AS free FROM pragma_freelist_count, pragma_page_size"
_SERVER = "SELECT pg_database_size(current_database()) AS total"


class DatabaseSize(Struct, frozen=True):
    """Bytes on disk, its write-ahead log included; `free` of them wait to be filled again."""

    total: int
    free: int


def of_database(reader: Reader) -> DatabaseSize:
    """What the whole database takes."""
    if reader.path is None:
        return DatabaseSize(sum(row["total"] for row in reader.fetch(_SERVER, {})), 0)
    total = 0
    for file in (reader.path, reader.path.with_name(f"{reader.path.name}-wal")):
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return DatabaseSize(total, sum(row["free"] for row in reader.fetch(_FREE, {})))


def of_run(reader: Reader, row: RunRow) -> int | None:
    """About what a run takes: its events, and the contents that they refer to, packed.

    A content that several runs refer to is counted with each of them. None where the log is
    damaged.
    """
    try:
        digests = sorted(set(references.of_run(reader.fetch, row.key)))
        total: int = 0
        for part in reader.fetch(_EVENTS, {"key": row.key}):
            total += part["events"] * _ROW_BYTES + part["characters"]
        for begin in range(0, len(digests), _DIGESTS_AT_ONCE):
            some = {f"d{n}": d for n, d in enumerate(digests[begin : begin + _DIGESTS_AT_ONCE])}
            names = ", ".join(f":{name}" for name in some)
            contents = f"SELECT sum(length(content)) AS total FROM blobs WHERE digest IN ({names})"
            total += sum(part["total"] or 0 for part in reader.fetch(contents, some))
        return total
    except LogDamaged:
        return None


def size_text(octets: int | None) -> str:
    """`316 B`, `31.6 kB`, `2.4 GB`; `?` where nobody knows."""
    if octets is None:
        return "?"
    if octets < 1000:
        return f"{octets} B"
    amount, units = octets / 1000, iter(("kB", "MB", "GB", "TB"))
    unit = next(units)
    while amount >= 1000 and unit != "TB":
        amount, unit = amount / 1000, next(units)
    return f"{amount:.0f} {unit}" if amount >= 100 else f"{amount:.1f} {unit}"
