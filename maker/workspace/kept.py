"""Contents that are kept by their SHA-256, each once, in files below maker's home."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from maker.workspace.trees import TreeError

_CHUNK = 1 << 20


class Kept:
    """A store of contents that takes up to so many bytes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._room: int | None = None

    def add(self, path: Path | str) -> str:
        """Keep what is in a plain file, no link followed. Raises TreeError if there is no room."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as source:
            self._take(os.fstat(descriptor).st_size)
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            partly = self._folder / f"{secrets.token_hex(8)}.part"
            digest = hashlib.sha256()
            try:
                with partly.open("xb") as target:
                    while chunk := source.read(_CHUNK):
                        digest.update(chunk)
                        target.write(chunk)
                    target.flush()
                    self._place(partly, target.fileno(), digest.hexdigest())
            finally:
                partly.unlink(missing_ok=True)
        return digest.hexdigest()

    def add_bytes(self, content: bytes) -> str:
        """Keep a small content."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return self.add(file.name)

    def read(self, content: str) -> bytes:
        """A content. Raises TreeError where it is gone or damaged."""
        try:
            data = self.path(content).read_bytes()
        except FileNotFoundError as error:
            raise TreeError(f"the content {content[:12]} is not kept any more") from error
        if hashlib.sha256(data).hexdigest() != content:
            raise TreeError(f"the kept content {content[:12]} is damaged")
        return data

    def path(self, content: str) -> Path:
        """Where a content is, if it is kept."""
        return self._folder / content[:2] / content[2:]

    def prune(self, keep: Collection[str]) -> int:
        """Forget all contents but these; how many bytes that were."""
        gone = 0
        for path in list(self._files()):
            if path.parent.name + path.name not in keep:
                gone += path.stat().st_size
                path.unlink()
        self._room = None
        return gone

    def size(self) -> int:
        """Bytes that are kept."""
        return sum(path.stat().st_size for path in self._files())

    def _files(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if path.is_dir():
                    yield from path.iterdir()
                else:
                    yield path

    def _take(self, size: int) -> None:
        if self._room is None:
            self._room = self._most - self.size()
        if size > self._room:
            raise TreeError(
                f"contents of changes would take more than {self._most // 2**20} MB",
                advice="Remove old runs with `maker prune`, or work on a smaller folder.",
            )
        self._room -= size

    def _place(self, partly: Path, descriptor: int, content: str) -> None:
        place = self.path(content)
        if place.exists():
            return
        os.fsync(descriptor)
        place.parent.mkdir(exist_ok=True, mode=0o700)
        partly.rename(place)
