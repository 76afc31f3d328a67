"""Changes as text: a patch as git takes it, counts of lines, and a digest for comparing. Pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import unified_diff

from maker.core.models import FileChange
from maker.workspace.trees import path_bytes

LARGEST_TEXT = 500_000
"""A larger content is handled as one that is no text."""
_LINE = 52
Read = Callable[[str], bytes]


def counted(before: bytes, after: bytes) -> tuple[int, int]:
    """Lines added and removed; a line that only moved is neither."""
    if not (_is_text(before) and _is_text(after)):
        return 0, 0
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    return (new - old).total(), (old - new).total()


def normalised(content: bytes) -> bytes:
    """A text without blanks at the ends of its lines and at its own."""
    if not _is_text(content):
        return content
    return b"\n".join(line.rstrip() for line in content.split(b"\n")).rstrip()


def digest(parts: Iterable[tuple[str, str, int | None, str]]) -> str:
    """The digest of changes: of each its path, kind, mode and the digest of what is normalised."""
    return hashlib.sha256(repr(sorted(parts, key=repr)).encode()).hexdigest()


def patch(entries: Sequence[FileChange], read: Read) -> str:
    """The changes, but for the ignored ones, as `git apply` takes them."""
    return "".join(
        line for entry in entries if not entry.ignored for line in _patch_of(entry, read)
    )


def _patch_of(entry: FileChange, read: Read) -> Iterator[str]:
    if entry.before is not None and entry.after is not None and _type(entry, 0) != _type(entry, 1):
        for side in (0, 1):  # a file that becomes a link is removed, then added
            yield from _section(entry, read, only=side)
    else:
        yield from _section(entry, read)


def _section(entry: FileChange, read: Read, only: int | None = None) -> Iterator[str]:
    old = entry.before if only in (None, 0) else None
    new = entry.after if only in (None, 1) else None
    a, b = _quoted(f"a/{entry.path}"), _quoted(f"b/{entry.path}")
    yield f"diff --git {a} {b}\n"
    if old is None:
        yield f"new file mode {_type(entry, 1)}\n"
    elif new is None:
        yield f"deleted file mode {_type(entry, 0)}\n"
    elif _type(entry, 0) != _type(entry, 1):
        yield f"old mode {_type(entry, 0)}\nnew mode {_type(entry, 1)}\n"
    before, after = (read(old) if old else b""), (read(new) if new else b"")
    if before == after and (old and new):
        return
    yield f"index {_git_id(before, old)}..{_git_id(after, new)}\n"
    if not (_is_text(before) and _is_text(after)):
        yield f"GIT binary patch\n{_literal(after)}\n{_literal(before)}\n"
    elif before != after:
        yield f"--- {a if old else '/dev/null'}\n+++ {b if new else '/dev/null'}\n"
        yield from _hunks(before.decode(), after.decode())


def _hunks(before: str, after: str) -> Iterator[str]:
    lines = unified_diff(_lines(before), _lines(after), n=3)
    next(lines), next(lines)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _type(entry: FileChange, side: int) -> str:
    """The mode of a file as git has it: a link, a program, or neither."""
    if entry.kind == "link" if side else entry.was_link:
        return "120000"
    mode = entry.mode_after if side else entry.mode_before
    return "100755" if (mode or 0) & 0o100 else "100644"


def _git_id(content: bytes, kept: str | None) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() if kept else "0" * 40


def _literal(content: bytes) -> str:
    packed = zlib.compress(content, 6)
    lines = [f"literal {len(content)}\n"]
    for start in range(0, len(packed), _LINE):
        chunk = packed[start : start + _LINE]
        size = (
            chr(ord("A") + len(chunk) - 1) if len(chunk) <= 26 else chr(ord("a") + len(chunk) - 27)
        )
        lines.append(f"{size}{base64.b85encode(chunk, pad=True).decode()}\n")
    return "".join(lines)


def _quoted(path: str) -> str:
    """A path as git writes it: quoted where it holds what a line of a patch cannot."""
    raw = path_bytes(path)
    if all(32 < byte < 127 and byte not in b'"\\' for byte in raw):
        return path
    inner = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw
    )
    return f'"{inner}"'


def _is_text(content: bytes) -> bool:
    if len(content) > LARGEST_TEXT or b"\0" in content or b"\r" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
