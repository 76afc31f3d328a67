"""The parts of the schema that are not tables: its version, the triggers and the views.

Apart from `schema.py`, so that readers know the version without loading SQLAlchemy. A migration
that rebuilds a table silently drops its triggers: `migrations/env.py` recreates all of these.
"""

from __future__ import annotations

VERSION = 3
"""`PRAGMA user_version` of a database that this maker writes."""
OLDEST_READABLE = 1
"""The oldest version that the readers' statements understand as it is."""
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


def _views(hexadecimal: str) -> dict[str, str]:
    """The views, with the dialect's expression for the hexadecimal text of `{}`."""
    return {
        "v_runs": f"""
        CREATE VIEW v_runs AS
        SELECT run, {_UUID} AS run_id, instruction, status, reason, model, agent,
            started_at, updated_at, steps_done, steps_total, cost_usd, tokens, samples,
            red_flagged, retries, duration_ms, unpriced, head_seq,
            {hexadecimal.format("head_hash")} AS head_hash, lease_owner, lease_expires_at,
            lease_epoch, pruned
        FROM (SELECT runs.*, {hexadecimal.format("run_id")} AS h FROM runs) AS r""",
        "v_events": f"""
        CREATE VIEW v_events AS
        SELECT run, {_UUID} AS run_id, seq, type, appended_at, payload,
            {hexadecimal.format("blob")} AS blob, {hexadecimal.format("hash")} AS hash
        FROM (SELECT events.*, {hexadecimal.format("runs.run_id")} AS h
            FROM events JOIN runs ON runs.run = events.run) AS e""",
    }


VIEWS = _views("lower(hex({}))")

SQLITE_INSTALL = (
    *TRIGGERS.values(),
    *VIEWS.values(),
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
SQLITE_UNINSTALL = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS),
    *(f"DROP VIEW IF EXISTS {name}" for name in VIEWS),
)
POSTGRES_INSTALL = (
    """CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' AND EXISTS
            (SELECT 1 FROM runs WHERE run = OLD.run AND pruned = 1) THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'events are never changed, and only deleted with their pruned run'
            USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
        FOR EACH ROW EXECUTE FUNCTION events_append_only()""",
    *_views("encode({}, 'hex')").values(),
)
POSTGRES_UNINSTALL = (
    "DROP FUNCTION IF EXISTS events_append_only() CASCADE",
    *(f"DROP VIEW IF EXISTS {name}" for name in VIEWS),
)

POSTGRES_PARTS = """
    SELECT to_regclass('runs') IS NOT NULL AS "table runs",
        to_regclass('events') IS NOT NULL AS "table events",
        to_regclass('blobs') IS NOT NULL AS "table blobs",
        to_regclass('v_runs') IS NOT NULL AS "view v_runs",
        to_regclass('v_events') IS NOT NULL AS "view v_events",
        EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'events_append_only'
            AND tgrelid = to_regclass('events') AND tgenabled IN ('O', 'A'))
            AS "trigger events_append_only" """
"""Whether each part of a PostgreSQL database is there and in force."""
