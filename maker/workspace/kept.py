"""Contents that are kept by their SHA-256, each once, in files below maker's home."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from maker.workspace.locks import exclusive, shared
from maker.workspace.trees import TreeError

_CHUNK = 1 << 20
_MANY = 32
"""So many files are cheaper to bring to the disk together with all else that waits for it."""


class Kept:
    """A store of contents that takes up to so many bytes."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._lock = folder.with_name(f"{folder.name}.lock")
        self._room: int | None = None
        self._added: list[Path] = []

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
        data = io.BytesIO()
        self.write(content, data)
        return data.getvalue()

    def write(self, content: str, target: IO[bytes]) -> None:
        """Write a content. Raises TreeError where it is gone or damaged."""
        digest = hashlib.sha256()
        try:
            with self.path(content).open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
        except FileNotFoundError as error:
            raise TreeError(f"the content {content[:12]} is not kept any more") from error
        if digest.hexdigest() != content:
            raise TreeError(f"the kept content {content[:12]} is damaged")

    @contextmanager
    def adding(self) -> Iterator[None]:
        """For who adds: at the end all lies on the disk, and meanwhile nobody prunes."""
        with shared(self._lock):
            yield
            sync(self._added)
            self._added = []

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

    def alone(self) -> AbstractContextManager[None]:
        """For who prunes: nobody is adding meanwhile."""
        return exclusive(self._lock)

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
                advice=f"Where nothing is to be taken back, remove {self._folder}.",
            )
        self._room -= size

    def _place(self, partly: Path, descriptor: int, content: str) -> None:
        place = self.path(content)
        # One that a failing machine cut short is written anew.
        if place.exists() and place.stat().st_size == os.fstat(descriptor).st_size:
            return
        place.parent.mkdir(exist_ok=True, mode=0o700)
        partly.rename(place)
        self._added.append(place)


def sync(files: Collection[Path]) -> None:
    """Bring the files to the disk."""
    if len(files) > _MANY:
        os.sync()
        return
    for file in files:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
