"""How payloads are kept in rows: without what stands in other columns or in an earlier row.

Type and time have columns of their own. An `AgentReplied` that differs from an earlier one of its
run only in its key, or in key and reply, refers to it: `{"key":"step/0.0/0/1","as":6}`. What is
kept stays JSON that SQL can read; what is given back is, byte for byte, what was hashed.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from maker.core.seams import Record
from maker.errors import LogDamaged

T = TypeVar("T")
U = TypeVar("U")

REMEMBERED = 128
"""So many replies of a run are remembered to refer to, or to look up what refers to them."""
_DEEPEST = 3
_WHOLE = '{"type":'
_REFERENCE = re.compile(r'\{("key":"[^"\\]*"),"as":(\d{1,18})(?:,("reply":.*))?\}', re.DOTALL)


class _Asked(Struct):
    """The fields of an `AgentReplied`, each as it is spelled."""

    key: msgspec.Raw
    request: msgspec.Raw
    prompt: msgspec.Raw
    reply: msgspec.Raw


_decode = msgspec.json.Decoder(_Asked).decode


class Packer:
    """Makes the payloads of one run's rows, in the order of its log."""

    def __init__(self) -> None:
        self._asked: OrderedDict[bytes, int] = OrderedDict()
        self._replied: OrderedDict[bytes, int] = OrderedDict()

    def pack(self, record: Record) -> str:
        """The payload as its row keeps it."""
        whole = record.payload.decode()
        body = without_tag(whole, record)
        if record.type != "AgentReplied":
            return body
        fields = _decode(record.payload)
        key, request, prompt, reply = (bytes(raw) for raw in msgspec.structs.astuple(fields))
        parts = b'"key":%b,"request":%b,"prompt":%b,"reply":%b' % (key, request, prompt, reply)
        if body != f"{{{parts.decode()}}}" or b"\\" in key:
            return body
        asked = request + prompt
        replied = asked + hashlib.sha256(reply).digest()
        if (same := self._replied.get(replied)) is not None:
            return f'{{"key":{key.decode()},"as":{same}}}'
        _remember(self._replied, replied, record.seq)
        if (same := self._asked.get(asked)) is not None:
            return f'{{"key":{key.decode()},"as":{same},"reply":{reply.decode()}}}'
        _remember(self._asked, asked, record.seq)
        return body


class Unpacker:
    """Gives the payloads of one run's rows back.

    `look_up` gives type, time and packed payload of an earlier event.
    """

    def __init__(self, look_up: Callable[[int], tuple[str, float, str]]) -> None:
        self._look_up = look_up
        self._payloads: OrderedDict[int, bytes] = OrderedDict()

    def unpack(self, seq: int, kind: str, time: float, packed: str, depth: int = 0) -> bytes:
        """The payload as it was hashed. Raises LogDamaged where it cannot be one."""
        if packed.startswith(_WHOLE):
            return packed.encode()
        if packed.startswith(" "):
            return packed[1:].encode()
        if kind == "AgentReplied":
            packed = self._resolved(seq, packed, depth)
        payload = (_tag(kind, time) + "," + packed[1:]).encode()
        if kind == "AgentReplied":
            _remember(self._payloads, seq, payload)
        return payload

    def _resolved(self, seq: int, packed: str, depth: int) -> str:
        reference = _REFERENCE.fullmatch(packed)
        if reference is None:
            return packed
        key, earlier, reply = reference[1], int(reference[2]), reference[3]
        if earlier >= seq or depth >= _DEEPEST:
            raise LogDamaged(f"event {seq} refers to event {earlier}", seq=seq)
        payload = self._payloads.get(earlier)
        if payload is None:
            payload = self.unpack(earlier, *self._look_up(earlier), depth + 1)
        try:
            fields = _decode(payload)
        except msgspec.MsgspecError as error:
            raise LogDamaged(f"event {seq} refers to event {earlier}: {error}", seq=seq) from error
        request, prompt = bytes(fields.request).decode(), bytes(fields.prompt).decode()
        reply = reply or f'"reply":{bytes(fields.reply).decode()}'
        return f'{{{key},"request":{request},"prompt":{prompt},{reply}}}'


def without_tag(whole: str, record: Record) -> str:
    """The payload without type and time, where their columns give them back as they are.

    As a release without columns for them wrote it, it is left; all else that does not begin with
    them is set off by a blank.
    """
    tag = _tag(record.type, record.timestamp) + ","
    if whole.startswith(tag):
        return "{" + whole[len(tag) :]
    return whole if whole.startswith(_WHOLE) else f" {whole}"  # no event is written like that


def reference_of(packed: str | None) -> int | None:
    """The number of the earlier event that a packed payload refers to, if it does."""
    reference = _REFERENCE.fullmatch(packed or "")
    return int(reference[2]) if reference else None


def _tag(kind: str, time: float) -> str:
    return f'{_WHOLE}"{kind}","timestamp":{msgspec.json.encode(time).decode()}'


def _remember(memory: OrderedDict[T, U], name: T, value: U) -> None:
    memory[name] = value
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
