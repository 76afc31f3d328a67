"""Whether a whole database is sound, for `maker db check` and `maker doctor`. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from maker.core.models import RunId, Value
from maker.errors import LogDamaged, StoreError
from maker.store import ddl, location, reading, rows


class DatabaseReport(Value, frozen=True, kw_only=True):
    """What was found; no problems means that everything in the database can be relied on.

    `version` is None where there is no database yet.
    """

    place: str
    version: int | None
    runs: int = 0
    events: int = 0
    problems: tuple[str, ...] = ()


def check(url: str) -> DatabaseReport:
    """Check file, references, triggers, every run's chain and every blob.

    Raises StoreError only where the database cannot be opened at all.
    """
    url = location.normal(url)
    place = location.shown(url)
    with reading.opened(url) as (fetch, *_):
        if not fetch("SELECT 1 AS one", {}):
            return DatabaseReport(place=place, version=None)
        found = [*_sqlite_problems(fetch)] if location.sqlite_path(url) else []
        runs, damage = _runs(fetch)
        found += damage
        for run, _ in runs:
            found += _told(_run_problems(fetch, run))
        found += _told(_blob_problems(fetch))
    return DatabaseReport(
        place=place,
        version=ddl.VERSION,
        runs=len(runs),
        events=sum(events for _, events in runs),
        problems=tuple(dict.fromkeys(found)),
    )


def _told(problems: Iterator[str]) -> Iterator[str]:
    """The problems, the last of them being what kept the check from going on."""
    try:
        yield from problems
    except StoreError as error:
        yield error.message


def _sqlite_problems(fetch: reading.Fetch) -> Iterator[str]:
    for problems in (_file_problems, _reference_problems, _missing):
        yield from _told(problems(fetch))


def _file_problems(fetch: reading.Fetch) -> Iterator[str]:
    for row in fetch("PRAGMA integrity_check", {}):
        if row["integrity_check"] != "ok":
            yield f"the file is damaged: {row['integrity_check']}"


def _reference_problems(fetch: reading.Fetch) -> Iterator[str]:
    for row in fetch("PRAGMA foreign_key_check", {}):
        yield f"a row of {row['table']} refers to a row of {row['parent']} that is missing"


def _missing(fetch: reading.Fetch) -> Iterator[str]:
    present = {row["name"] for row in fetch("SELECT name FROM sqlite_master", {})}
    for name in (*ddl.TRIGGERS, *ddl.VIEWS):
        if name not in present:
            yield f"{name} is missing: `maker db upgrade` restores it"


def _runs(fetch: reading.Fetch) -> tuple[list[tuple[RunId, int]], list[str]]:
    """The runs with the number of their events, or why they cannot be listed."""
    try:
        found = fetch("SELECT run_id, head_seq FROM runs ORDER BY run", {})
    except StoreError as error:
        return [], [error.message]
    return [(RunId(str(UUID(bytes=row["run_id"]))), row["head_seq"]) for row in found], []


def _run_problems(fetch: reading.Fetch, run: RunId) -> Iterator[str]:
    try:
        rows.log_of(run, fetch(rows.LOG, {"run_id": rows.run_bytes(run)}))
    except LogDamaged as damage:
        yield f"run {run}: {damage.message}"


def _blob_problems(fetch: reading.Fetch) -> Iterator[str]:
    for row in fetch("SELECT digest FROM blobs", {}):
        try:
            for found in fetch(rows.BLOB, row):
                rows.blob_content(row["digest"], found["codec"], found["content"])
        except LogDamaged as damage:
            yield damage.message
