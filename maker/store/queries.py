"""What the commands ask the database: which runs there are, which one is meant, what it holds.

Only reads, and never creates a file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Self

from maker.core import events as e
from maker.core.models import CallKey, RunId, RunSummary, Value
from maker.core.seams import Record
from maker.errors import LogDamaged, RunNotFound
from maker.store import heads, integrity, lease, location, reading, rows

SHORTEST_REFERENCE = 4
_EVERY = 2**31 - 1
_AT_ONCE = 1000
"""Events in one transaction of a reader."""
_LAST = re.compile(r"@last(?:~(\d{1,6}))?")
_NEWEST_FIRST = "ORDER BY run DESC"
"""In the order in which they were begun, whatever the clock said then."""
_RUNS = f"""
    SELECT * FROM v_runs WHERE pruned = 0
        AND (CAST(:status AS TEXT) IS NULL OR status = :status)
        AND (CAST(:since AS DOUBLE PRECISION) IS NULL OR started_at >= :since)
        AND (CAST(:text AS TEXT) IS NULL OR lower(instruction) LIKE lower(:text) ESCAPE '!')
    {_NEWEST_FIRST} LIMIT :limit"""
ONE = "SELECT * FROM v_runs WHERE run_id = :run_id"
_NTH = f"SELECT run_id FROM v_runs WHERE pruned = 0 {_NEWEST_FIRST} LIMIT 1 OFFSET :back"
_NTH_TO_RESUME = f"""
    SELECT run_id FROM v_runs WHERE pruned = 0 AND status NOT IN ('completed', 'cancelled')
    {_NEWEST_FIRST} LIMIT 1 OFFSET :back"""
_LIKE = f"""
    SELECT run_id FROM v_runs WHERE replace(run_id, '-', '') LIKE :starts
        OR replace(run_id, '-', '') LIKE :ends {_NEWEST_FIRST} LIMIT 11"""


_VERSION_OF_FILE = "SELECT user_version AS version FROM pragma_user_version"
_VERSION_OF_SERVER = "SELECT version_num AS version FROM alembic_version"


class RunRow(Value, frozen=True, kw_only=True):
    """A run as lists show it. `crashed`: it counts as running, but nobody works on it.

    `is_held`: somebody has its lease, who works on it or is about to give it back.

    `damage`: what in the row makes no sense; the summary is without it.
    """

    key: int
    run_id: RunId
    summary: RunSummary
    head_seq: int
    head_hash: str
    lease_owner: str | None
    lease_expires_at: float | None
    lease_epoch: int
    crashed: bool
    is_held: bool
    is_pruned: bool = False
    damage: str = ""

    @property
    def status(self) -> str:
        """The status to show."""
        if self.damage:
            return "damaged"
        return "crashed" if self.crashed else self.summary.status


class Reader:
    """An open database for reading, as a context manager; `now` is the time that leases end by."""

    def __init__(self, url: str, *, now: float | None = None) -> None:
        self.url = location.normal(url)
        self.path = location.sqlite_path(self.url)
        self._now = time.time() if now is None else now
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._database = self._stack.enter_context(reading.opened(self.url))
        self.fetch = self._database.fetch
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def note(self) -> str:
        """What should be known about how the database is read; usually nothing."""
        return self._database.note

    @property
    def version(self) -> int | None:
        """The version of the schema; None where there is none yet."""
        for row in self.fetch(_VERSION_OF_FILE if self.path else _VERSION_OF_SERVER, {}):
            return int(row["version"])
        return None

    @property
    def is_empty(self) -> bool:
        """Whether there is a file, but nothing in it."""
        return self._database.is_empty

    def runs(
        self,
        status: str | None = None,
        text: str | None = None,
        since: float | None = None,
        limit: int | None = 50,
    ) -> list[RunRow]:
        """The runs, newest first: of a status (also `crashed`), with a text, started since."""
        limit = _EVERY if limit is None else limit
        values = {
            "status": "running" if status == "crashed" else status,
            "since": since,
            "text": None if text is None else f"%{_escaped(text)}%",
            # Which of the running ones have crashed is known only after reading them.
            "limit": _EVERY if status in ("running", "crashed") else limit,
        }
        listed = [self.row(row) for row in self.fetch(_RUNS, values)]
        return [row for row in listed if status in (None, row.status)][:limit]

    def run(self, run: RunId) -> RunRow:
        """The row of one run. Raises RunNotFound."""
        self._require_content()
        rows.run_bytes(run)
        listed = self.fetch(ONE, {"run_id": run.lower()})
        if not listed:
            raise rows.no_such_run(run)
        return self.row(listed[0])

    def resolve(self, reference: str, *, to_resume: bool = False) -> RunId:
        """The run that is meant by an id, the beginning or end of one, `@last` or `@last~1`.

        `to_resume`: the last is the last that can be resumed, if there is one that can.
        Raises RunNotFound, which names the candidates where there are several, and LogDamaged
        where it is gone, though its end was noted.
        """
        self._require_content()
        last = _LAST.fullmatch(reference)
        if last is not None:
            back = int(last[1] or 0)
            found = self.fetch(_NTH_TO_RESUME, {"back": back}) if to_resume else []
            for row in found or self.fetch(_NTH, {"back": back}):
                return RunId(row["run_id"])
            raise RunNotFound(
                f"there is no {reference}: the database {location.shown(self.url)} has "
                + (f"no more than {back} runs" if back else "no runs yet"),
                advice='See `maker history`, or start one: maker run "..."',
            )
        digits = reference.lower().replace("-", "")
        if not re.fullmatch(r"[0-9a-f]{4,32}", digits):
            raise RunNotFound(
                f"{reference!r} is not a run",
                advice=f"Give a run id, at least {SHORTEST_REFERENCE} characters of its beginning "
                "or end, or @last. See `maker history`.",
            )
        return self._only_like(digits, reference)

    def records(self, run: RunId) -> list[Record]:
        """The verified log of a run. Raises RunNotFound or LogDamaged."""
        log_rows = self.fetch(rows.LOG, {"run_id": rows.run_bytes(run)})
        return rows.log_of(run, log_rows, self.fetch)

    def log(self, row: RunRow) -> Iterator[Record]:
        """The log of a run up to the head of its row, each record once it is verified.

        Read in short transactions, so that its length matters neither to memory nor to writers.
        Raises LogDamaged.
        """
        head = integrity.Head(row.head_seq, bytes.fromhex(row.head_hash))
        return integrity.verified(self._records(row), head)

    def plans(self, row: RunRow) -> Iterator[Record]:
        """The plans of a run, in order."""
        return self._listed(row, rows.PLANS, {})

    def last(self, row: RunRow) -> Record:
        """The last event of a run's log."""
        for record in self._listed(row, rows.PART, {"after": row.head_seq - 1}):
            return record
        raise integrity.damaged_end(row.head_seq, row.head_seq - 1)

    def replies(self, row: RunRow, key: CallKey | None = None) -> Iterator[e.AgentReplied]:
        """The replies of a run in order, or the one to a call."""
        pattern = "%" if key is None else f'%"key":"{_escaped(key)}"%'
        for record in self._listed(row, rows.REPLIES, {"pattern": pattern}):
            event = e.decode(record.payload, seq=record.seq)
            if isinstance(event, e.AgentReplied) and key in (None, event.key):
                yield event

    def of_step(self, row: RunRow, step: int, after: int) -> Iterator[Record]:
        """The events of a step beyond an event, in order."""
        patterns = {"field": f'%"step":{step},%', "key_of": f'%"step/{step}.%'}
        for record in self._listed(row, rows.OF_STEP, {**patterns, "after": after}):
            lane = e.lane(e.decode(record.payload, seq=record.seq))
            if lane is not None and lane[0] == step:
                yield record

    def require_end(self, row: RunRow) -> None:
        """Check that the log has all that was noted when the run stopped. Raises LogDamaged."""
        noted = self.notes().heads.get(row.run_id)
        if noted is not None and self.path is not None:
            hashes = self.fetch(rows.HASH, {"key": row.key, "seq": noted.seq})
            hash_there = bytes(hashes[0]["hash"]) if hashes else b""
            heads.compare(self.path, noted, row.head_seq, hash_there)

    def _listed(self, row: RunRow, statement: str, values: Mapping[str, Any]) -> Iterator[Record]:
        """The records that a statement gives, in parts; of their chain nothing is known."""
        log, after = rows.Log(row.key, self.fetch), values.get("after", 0)
        place = {**values, "key": row.key, "limit": _AT_ONCE}
        while part := self.fetch(statement, {**place, "after": after}):
            yield from map(log.record, part)
            after = part[-1]["seq"]

    def notes(self) -> heads.Notes:
        """Where logs ended, as noted beside the database; nothing with PostgreSQL."""
        return heads.read(self.path) if self.path else heads.Notes()

    def blob(self, digest: str) -> bytes:
        """The content with this SHA-256 (hex). Raises StoreError."""
        name = rows.digest_bytes(digest)
        for row in self.fetch(rows.BLOB, {"digest": name}):
            return rows.blob_content(name, row["codec"], row["content"], self.fetch)
        raise rows.no_such_blob(digest)

    def _records(self, row: RunRow) -> Iterator[Record]:
        after, log = 0, rows.Log(row.key, self.fetch)
        while after < row.head_seq:
            values = {"key": row.key, "after": after, "limit": min(_AT_ONCE, row.head_seq - after)}
            part = self.fetch(rows.PART, values)
            if not part:
                break
            yield from map(log.record, part)
            after = part[-1]["seq"]
        ends = self.fetch(rows.ENDS, {"key": row.key})
        if not ends:
            raise rows.no_such_run(row.run_id)  # deleted meanwhile
        integrity.require_end(ends[0]["head_seq"], ends[0]["last"] or 0)

    def _only_like(self, digits: str, reference: str) -> RunId:
        matches = self.fetch(_LIKE, {"starts": f"{digits}%", "ends": f"%{digits}"})
        runs = [row["run_id"] for row in matches]
        if len(runs) == 1:
            return RunId(runs[0])
        if runs:
            listed = ", ".join(runs[:10]) + (", ..." if len(runs) > 10 else "")
            raise RunNotFound(
                f"more than one run matches {reference!r}: {listed}",
                advice="Give more characters, or the end of the id, which differs more.",
            )
        for run, head in self.notes().heads.items():
            name = run.replace("-", "")
            if name.startswith(digits) or name.endswith(digits):
                raise heads.lost(run, head)
        raise RunNotFound(f"no run matches {reference!r}", advice="See `maker history`.")

    def _require_content(self) -> None:
        if self.path is not None and self.is_empty:
            raise reading.emptied(self.path)

    def row(self, row: Mapping[str, Any]) -> RunRow:
        """The run in a row of `v_runs`. Raises LogDamaged where it cannot be one."""
        try:
            summary, damage = rows.summary_of(row)
            owner, expires_at = row["lease_owner"], row["lease_expires_at"]
            is_leased = isinstance(owner, str) and isinstance(expires_at, float)
            is_held = is_leased and expires_at > self._now and not lease.is_dead(owner)
            return RunRow(
                key=row["run"],
                run_id=RunId(row["run_id"].lower()),
                summary=summary,
                damage=damage,
                is_pruned=row["pruned"] != 0,
                head_seq=int(row["head_seq"]),
                head_hash=bytes.fromhex(row["head_hash"]).hex(),
                lease_owner=owner,
                lease_expires_at=expires_at,
                lease_epoch=row["lease_epoch"],
                crashed=row["status"] == "running" and not is_held,
                is_held=is_held,
            )
        except rows.NO_SUCH_ROW as error:
            raise LogDamaged(
                f"the row of a run is none: {error!r}", advice="See `maker db check`."
            ) from error


def _escaped(text: str) -> str:
    """The text as a pattern for LIKE that escapes with `!`."""
    return re.sub(r"[!%_]", r"!\g<0>", text)
