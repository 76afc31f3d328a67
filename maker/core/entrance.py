"""The entrance: every text in a value that comes from outside, or is read from one, made pure."""

from __future__ import annotations

import typing
from collections.abc import Callable
from functools import lru_cache
from operator import is_
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from maker.core.models import AgentError, AgentReply
from maker.core.text import MOST_CHARACTERS

T = TypeVar("T")

_ATOMS, _LISTS = (int, float, type(None)), (list, tuple)


def bounded(reply: AgentReply) -> AgentReply:
    """The reply, or an error in its place where its texts are too long to be read or kept.

    What it cost stays. Comes before everything that looks at the texts.
    """
    texts = [reply.text, reply.model, reply.stop_reason, *reply.denied]
    if reply.error is not None:
        texts += [reply.error.kind, reply.error.message]
    length = sum(map(len, texts))
    if length <= MOST_CHARACTERS:
        return reply
    message = f"the reply has {length:,} characters, the limit is {MOST_CHARACTERS:,}"
    error = AgentError(kind="too_long", message=message)
    return msgspec.structs.replace(reply, text="", model="", stop_reason="", denied=(), error=error)


def purified(value: T, pure: Callable[[str], str]) -> T:
    """The value with each of its texts as `pure` gives it; the same object where nothing changes.

    Fields of a fixed vocabulary and identities (a `Literal`, a `NewType`) are no texts.
    """
    return typing.cast(T, _purified(value, pure))


def _purified(value: Any, pure: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return pure(value)
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, dict):
        keys = [_purified(key, pure) for key in value]
        items = [_purified(item, pure) for item in value.values()]
        if all(map(is_, keys, value)) and all(map(is_, items, value.values())):
            return value
        return dict(zip(keys, items, strict=True))
    if isinstance(value, _LISTS):
        items = [_purified(item, pure) for item in value]
        if all(map(is_, items, value)):
            return value
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Struct):
        changes = {}
        for name in _text_fields(type(value)):
            old = getattr(value, name)
            if old:  # what is empty holds no text
                new = _purified(old, pure)
                if new is not old:
                    changes[name] = new
        return msgspec.structs.replace(value, **changes) if changes else value
    return _purified(msgspec.to_builtins(value), pure)


@lru_cache
def _text_fields(struct: type[Struct]) -> tuple[str, ...]:
    fields = msgspec.structs.fields(struct)
    return tuple(field.name for field in fields if _holds_text(field.type))


def _holds_text(kind: Any) -> bool:
    if typing.get_origin(kind) is typing.Literal or isinstance(kind, typing.NewType):
        return False
    if isinstance(kind, type) and issubclass(kind, Struct):
        return bool(_text_fields(kind))
    if kind in (str, Any, dict, list):
        return True
    return any(map(_holds_text, typing.get_args(kind)))
