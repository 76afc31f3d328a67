"""What a SQLite file of maker consists of, as SQLite keeps it, to be compared with a real one.

`schema.py` and the migrations make it; a test holds this text to what they make.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from maker.store import ddl

OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite|_%' ESCAPE '|'"
"""What a file consists of, without SQLite's own parts."""

RESTORED = ("index", "trigger", "view")
"""What can be made again without touching a row."""
_TABLES = {
    "runs": """
        CREATE TABLE runs (
            run INTEGER NOT NULL, run_id BLOB NOT NULL, instruction TEXT NOT NULL,
            status TEXT NOT NULL, reason TEXT NOT NULL, model TEXT NOT NULL, agent TEXT NOT NULL,
            started_at REAL NOT NULL, updated_at REAL NOT NULL, steps_done INTEGER NOT NULL,
            steps_total INTEGER NOT NULL, cost_usd REAL NOT NULL, tokens INTEGER NOT NULL,
            samples INTEGER NOT NULL, red_flagged INTEGER NOT NULL, retries INTEGER NOT NULL,
            duration_ms INTEGER NOT NULL, unpriced INTEGER NOT NULL, head_seq INTEGER NOT NULL,
            head_hash BLOB NOT NULL, lease_owner TEXT, lease_expires_at REAL,
            lease_epoch INTEGER DEFAULT '0' NOT NULL, pruned INTEGER DEFAULT '0' NOT NULL,
            PRIMARY KEY (run), CONSTRAINT run_id_is_a_uuid CHECK (length(run_id) = 16),
            CONSTRAINT head_hash_is_sha256 CHECK (length(head_hash) = 32), UNIQUE (run_id)
        ) STRICT""",
    "blobs": """
        CREATE TABLE blobs (
            digest BLOB NOT NULL, codec TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (digest),
            CONSTRAINT digest_is_sha256 CHECK (length(digest) = 32),
            CONSTRAINT codec_is_known CHECK (codec IN ('raw', 'zlib', 'recipe'))
        ) STRICT""",
    "events": """
        CREATE TABLE events (
            run INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL,
            appended_at REAL NOT NULL, payload TEXT, blob BLOB, hash BLOB NOT NULL,
            PRIMARY KEY (run, seq),
            CONSTRAINT one_payload CHECK ((payload IS NULL) <> (blob IS NULL)),
            CONSTRAINT hash_is_sha256 CHECK (length(hash) = 32),
            FOREIGN KEY(run) REFERENCES runs (run), FOREIGN KEY(blob) REFERENCES blobs (digest)
        ) WITHOUT ROWID, STRICT""",
    "snapshots": """
        CREATE TABLE snapshots (
            run INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, format TEXT NOT NULL,
            checksum BLOB NOT NULL, state BLOB NOT NULL,
            PRIMARY KEY (run), FOREIGN KEY(run) REFERENCES runs (run)
        ) STRICT""",
    "requests": """
        CREATE TABLE requests (
            request INTEGER NOT NULL, run INTEGER NOT NULL, kind TEXT NOT NULL,
            detail TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at REAL NOT NULL,
            PRIMARY KEY (request), FOREIGN KEY(run) REFERENCES runs (run)
        ) STRICT""",
    "alembic_version": ddl.ALEMBIC_TABLE,
}
_INDEXES = {
    "ix_runs_started_at": "CREATE INDEX ix_runs_started_at ON runs (started_at)",
    "ix_events_plans": "CREATE INDEX ix_events_plans ON events (run, seq) "
    "WHERE type = 'PlanCreated'",
    "ix_requests_run": "CREATE INDEX ix_requests_run ON requests (run)",
}
_EXPECTED = {
    (kind, name): sql
    for kind, objects in (
        ("table", _TABLES),
        ("index", _INDEXES),
        ("trigger", ddl.TRIGGERS),
        ("view", ddl.VIEWS),
    )
    for name, sql in objects.items()
}


def differences(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and words for everything in the rows of OBJECTS that is not as it must be."""
    present = {(row["type"], row["name"]): row["sql"] for row in rows}
    for (kind, name), sql in _EXPECTED.items():
        if (kind, name) not in present:
            yield kind, name, "is missing"
        elif _bare(present[kind, name]) != _bare(sql):
            yield kind, name, "is not as maker made it"
    for kind, name in present:
        if (kind, name) not in _EXPECTED:
            yield kind, name, "is not maker's"


def _bare(sql: Any) -> str:
    """Without what differs between the programs that write SQL: blanks, quotes, capitals."""
    return re.sub(r'[\s"]+', "", str(sql)).lower()
