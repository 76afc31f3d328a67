"""Whether a whole database is sound, for `maker db check` and `maker doctor`. Only reads.

What is not there to be compared with itself is compared with what it must be: the schema with the
code's, each run's row with the fold of its log, the ends of logs with those that were noted.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from maker.core import events as e
from maker.core.models import Value
from maker.errors import LogDamaged, RunNotFound, StoreError
from maker.store import ddl, heads, location, references, rows, shape
from maker.store.proof import prove
from maker.store.queries import Reader, RunRow

_BLOBS_AT_ONCE = 100
_BLOBS = """
    SELECT digest, codec, content FROM blobs WHERE digest > :after ORDER BY digest LIMIT :limit"""
_BLOBS_LIKE = "SELECT digest FROM blobs WHERE digest >= :first AND digest <= :last"
_BIG_PAYLOADS = "SELECT DISTINCT blob FROM events WHERE blob IS NOT NULL"


class DatabaseReport(Value, frozen=True, kw_only=True):
    """What was found; no problems means that everything in the database can be relied on.

    `version` is None where there is no database yet; `note` is what else should be known.
    """

    place: str
    version: int | None
    runs: int = 0
    events: int = 0
    problems: tuple[str, ...] = ()
    note: str = ""


def check(url: str, *, logs: bool = True) -> DatabaseReport:
    """Check file, schema, every run's log, row and noted end, and every blob.

    Without `logs` only what is quick: the schema, and that the runs can be listed. Raises
    StoreError only where the database cannot be opened at all.
    """
    with Reader(url) as reader:
        place, version = location.shown(reader.url), reader.version
        if version is None:
            emptied = (f"the file {place} is empty",) if reader.is_empty else ()
            return DatabaseReport(place=place, version=None, problems=emptied)
        contents, needed = _Digests(), _Digests()
        problems = [*_until_error(schema_problems(reader))]
        if logs:
            problems += _until_error(_file_problems(reader))
            problems += _until_error(_blob_problems(reader, contents, needed))
        # After the contents: each of those that were there belongs to a run that is listed now.
        runs = _runs(reader, problems)
        if logs:
            problems += _log_problems(reader, runs, contents, needed)
        return DatabaseReport(
            place=place,
            version=version,
            runs=len(runs),
            events=sum(row.head_seq for row in runs),
            problems=tuple(dict.fromkeys(problems)),
            note=reader.note,
        )


def _log_problems(
    reader: Reader, runs: Sequence[RunRow], contents: _Digests, needed: _Digests
) -> Iterator[str]:
    notes = reader.notes()
    damaged = [problem for row in runs for problem in _run_problems(reader, row, notes, needed)]
    yield from damaged
    yield from _until_error(_ends_problems(reader, runs))
    yield from _until_error(_needless(reader, contents, needed, is_complete=not damaged))


class _Digests:
    """Many hashes in little memory: eight bytes each, which is enough to tell them apart."""

    def __init__(self) -> None:
        self._prefixes = array("Q")

    def add(self, digest: bytes) -> None:
        self._prefixes.append(int.from_bytes(digest[:8]))

    def without(self, others: _Digests) -> Iterator[bytes]:
        """The beginnings of those that the others do not have."""
        excluded = array("Q", sorted(others._prefixes))
        previous = -1
        for prefix in sorted(self._prefixes):
            at = bisect_left(excluded, prefix)
            if prefix != previous and (at == len(excluded) or excluded[at] != prefix):
                yield prefix.to_bytes(8)
            previous = prefix


def _until_error(problems: Iterator[str]) -> Iterator[str]:
    """The problems, the last of them being what kept the check from going on."""
    try:
        yield from problems
    except StoreError as error:
        yield error.message


def _file_problems(reader: Reader) -> Iterator[str]:
    if reader.path is None:
        return
    for row in reader.fetch("PRAGMA integrity_check", {}):
        if row["integrity_check"] != "ok":
            yield f"the file is damaged: {row['integrity_check']}"
    for row in reader.fetch("PRAGMA foreign_key_check", {}):
        yield f"a row of {row['table']} refers to a row of {row['parent']} that is missing"


def schema_problems(reader: Reader) -> Iterator[str]:
    """How tables, indexes, triggers, views and their version differ from what they must be."""
    revisions = [row["version_num"] for row in reader.fetch("SELECT * FROM alembic_version", {})]
    if revisions != [f"{reader.version:04d}"]:
        yield f"the schema is of version {reader.version}, but alembic_version says {revisions}"
    if reader.path is None:
        (parts,) = reader.fetch(ddl.POSTGRES_PARTS, {})
        for name, is_there in parts.items():
            if not is_there:
                yield f"{name} is missing or switched off"
    elif reader.version == ddl.VERSION:
        for kind, name, words in shape.differences(reader.fetch(shape.OBJECTS, {})):
            mends = ": `maker db upgrade` mends it" if kind in shape.RESTORED else ""
            yield f"{kind} {name} {words}{mends}"


def _blob_problems(reader: Reader, contents: _Digests, needed: _Digests) -> Iterator[str]:
    after = b""
    while part := reader.fetch(_BLOBS, {"after": after, "limit": _BLOBS_AT_ONCE}):
        for row in part:
            digest = rows.stored_digest(row["digest"])
            if digest <= after:  # a damaged index may go in circles
                raise LogDamaged(
                    f"the content {row['digest']!r} is out of place: the others cannot be checked"
                )
            after = digest
            contents.add(after)
            try:
                rows.blob_content(after, row["codec"], row["content"], reader.fetch)
                for part_digest in references.parts_of(row):
                    needed.add(part_digest)
            except LogDamaged as damage:
                yield damage.message


def _runs(reader: Reader, problems: list[str]) -> list[RunRow]:
    """The rows of all runs, read without the view, which may be damaged itself."""
    runs = []
    try:
        for row in reader.fetch("SELECT * FROM runs ORDER BY run", {}):
            values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a sqlite3.Row is no mapping
            values["run_id"] = str(UUID(bytes=bytes(row["run_id"])))
            values["head_hash"] = bytes(row["head_hash"]).hex()
            runs.append(reader.row(values))
    except (StoreError, *rows.NO_SUCH_ROW) as error:
        problems.append(f"the runs cannot be listed: {error}")
        return []
    return runs


def _run_problems(
    reader: Reader, row: RunRow, notes: heads.Notes, needed: _Digests
) -> Iterator[str]:
    def look(event: e.Event) -> None:
        for digest in references.named(event):
            needed.add(digest)

    try:
        prove(reader, row, notes.heads.get(row.run_id), look=look)
    except RunNotFound:
        return  # pruned meanwhile
    except StoreError as damage:
        yield f"run {row.run_id}: {damage.message}"
    if row.is_pruned:
        yield f"run {row.run_id} is marked as pruned, but is still here"


def _ends_problems(reader: Reader, runs: Iterable[RunRow]) -> Iterator[str]:
    notes, listed = reader.notes(), {row.run_id for row in runs}
    for run, noted in notes.heads.items():
        if run not in listed and not reader.fetch(rows.HEAD, {"run_id": rows.run_bytes(run)}):
            yield heads.lost(run, noted).message
    if notes.unreadable and reader.path:
        yield f"{heads.file_of(reader.path)} has {notes.unreadable} lines that cannot be read"


def _needless(
    reader: Reader, contents: _Digests, needed: _Digests, *, is_complete: bool
) -> Iterator[str]:
    """Content that is missing, or that nobody needs; what changed meanwhile is looked up again."""
    for row in reader.fetch(_BIG_PAYLOADS, {}):
        needed.add(rows.stored_digest(row["blob"]))
    for beginning in needed.without(contents):
        if not _blobs_like(reader, beginning):
            yield f"the content {beginning.hex()}..., a prompt that was sent, is missing"
    if is_complete:  # of a damaged log nobody knows what it needs
        for beginning in contents.without(needed):
            for row in _blobs_like(reader, beginning):
                yield f"the content {row['digest'].hex()} is needed by no run"


def _blobs_like(reader: Reader, beginning: bytes) -> Any:
    values = {"first": beginning.ljust(32, b"\0"), "last": beginning.ljust(32, b"\xff")}
    return reader.fetch(_BLOBS_LIKE, values)
