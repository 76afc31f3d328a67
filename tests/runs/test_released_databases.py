"""The runs in databases of released versions can be gone on with."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from maker.app import Changes, resume
from maker.store.queries import Reader
from maker.store.sql import SqlStore

DATABASES = Path(__file__).parents[1] / "store" / "databases"


@pytest.mark.parametrize("name", sorted(path.name for path in DATABASES.glob("*.gz")))
async def test_every_run_of_a_released_database_can_be_gone_on_with_or_is_over(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "released.db"
    path.write_bytes(gzip.decompress((DATABASES / name).read_bytes()))
    with Reader(str(path)) as reader:
        runs = [row.run_id for row in reader.runs()]
    for run in runs:
        store = SqlStore(path)
        changes = Changes(options={"simulation": {}, "max_samples": 100})
        session = await resume(run, changes, store=store)
        if session is not None:
            [_ async for _ in session.run()]
        await store.close()
    with Reader(str(path)) as reader:
        assert {row.status for row in reader.runs()} == {"cancelled", "completed"}
