"""The types that a step's output may be declared to have. Values only; no text, no checking."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from maker.core.checking import Evidence
from maker.errors import Exit, MakerError

PrimitiveName = Literal["string", "int", "float", "bool", "any"]


class SchemaError(MakerError):
    """A schema's text cannot be read; `position` counts its characters from 0."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, *, position: int) -> None:
        super().__init__(
            message, advice="Write for example {name: string, count: int?, tags: [string]}."
        )
        self.position = position


class Primitive(Struct, frozen=True):
    """A value without parts; with `evidence`, one that a program checks.

    `of` names the field beside it that the evidence is about, as the file of a line.
    """

    name: PrimitiveName
    evidence: Evidence | None = None
    of: str = ""


class Choice(Struct, frozen=True):
    """One of some words."""

    words: tuple[str, ...]


class ListOf(Struct, frozen=True):
    """Any number of values of one type; where it is `ordered`, their order is part of it."""

    item: Schema
    ordered: bool = False


class Fields(Struct, frozen=True):
    """A mapping with at least these fields."""

    fields: tuple[tuple[str, Schema], ...]

    def field(self, name: str) -> Schema | None:
        """The type of a declared field."""
        return dict(self.fields).get(name)


class Maybe(Struct, frozen=True):
    """A value that may be null; as a field's type, the field may be absent."""

    inner: Schema


Schema: TypeAlias = Primitive | Choice | ListOf | Fields | Maybe
