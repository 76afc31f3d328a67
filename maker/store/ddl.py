"""The parts of the schema that are not tables: its version, the triggers and the views.

Apart from `schema.py`, so that readers know the version without loading SQLAlchemy. A migration
that rebuilds a table silently drops its triggers: `migrations/env.py` recreates all of these.
"""

from __future__ import annotations

VERSION = 1
"""`PRAGMA user_version` of a database that this maker reads and writes."""
REVISION = f"{VERSION:04d}"
"""The Alembic revision of the same schema."""
APPLICATION_ID = 0x4D414B52
"""`PRAGMA application_id`: tells our files from other programs' databases."""
ALEMBIC_TABLE = """
    CREATE TABLE alembic_version (
        version_num VARCHAR(32) NOT NULL,
        CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
    )"""
"""Where Alembic keeps the revision, as Alembic itself creates it."""

TRIGGERS = {
    "events_no_update": """
        CREATE TRIGGER events_no_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    "events_no_delete": """
        CREATE TRIGGER events_no_delete BEFORE DELETE ON events
        WHEN NOT EXISTS (SELECT 1 FROM runs WHERE run = OLD.run AND pruned = 1)
        BEGIN SELECT RAISE(ABORT, 'events are only deleted with their whole, pruned run'); END""",
    "events_no_replace": """
        CREATE TRIGGER events_no_replace BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE run = NEW.run AND seq = NEW.seq)
        BEGIN SELECT RAISE(ABORT, 'the event exists already'); END""",
}

_UUID = """substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4)
        || '-' || substr(h, 17, 4) || '-' || substr(h, 21)"""

VIEWS = {
    "v_runs": f"""
        CREATE VIEW v_runs AS
        SELECT run, {_UUID} AS run_id, instruction, status, reason, model, agent,
            started_at, updated_at, steps_done, steps_total, cost_usd, tokens, samples,
            red_flagged, retries, duration_ms, unpriced, head_seq,
            lower(hex(head_hash)) AS head_hash, lease_owner, lease_expires_at, lease_epoch, pruned
        FROM (SELECT runs.*, lower(hex(run_id)) AS h FROM runs)""",
    "v_events": f"""
        CREATE VIEW v_events AS
        SELECT run, {_UUID} AS run_id, seq, type, appended_at, payload,
            lower(hex(blob)) AS blob, lower(hex(hash)) AS hash
        FROM (SELECT events.*, lower(hex(runs.run_id)) AS h FROM events JOIN runs USING (run))""",
}
