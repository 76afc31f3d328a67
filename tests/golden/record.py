"""Writes a log for this folder: `python tests/golden/record.py RUN FILE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from maker.store.location import database_url
from maker.store.queries import Reader


def record(reference: str, file: Path) -> None:
    """Write the exact payloads of a run, one a line."""
    with Reader(database_url(None, os.environ)) as reader:
        records = reader.records(reader.resolve(reference))
    file.write_bytes(b"".join(one.payload + b"\n" for one in records))


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))
