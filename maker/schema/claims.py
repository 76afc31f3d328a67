"""The values of an answer that its declaration calls evidence: what a program can check. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from maker.core.checking import Claim
from maker.core.text import one_line
from maker.schema.schema import Fields, ListOf, Maybe, Primitive, Schema

ABOUT_FILES = frozenset({"path", "line", "quote"})


def claims(schema: Schema, value: Any) -> Iterator[Claim]:
    """Each value of a fitting answer that is declared as evidence, in the order of the fields."""
    return _claims(schema, value, "", {})


def _claims(schema: Schema, value: Any, where: str, around: Mapping[str, Any]) -> Iterator[Claim]:
    """`around` is the mapping that the value stands in, where what it is about stands, too."""
    match schema:
        case Maybe(inner) if value is not None:
            yield from _claims(inner, value, where, around)
        case Fields(fields) if isinstance(value, dict):
            for name, kind in fields:
                path = f"{where}.{name}" if where else name
                yield from _claims(kind, value.get(name), path, value)
        case ListOf(item) if isinstance(value, list):
            for number, each in enumerate(value):
                yield from _claims(item, each, f"{where}[{number}]", around)
        case Primitive(_, evidence, of) if evidence is not None:
            about = around.get(of) if of else None
            if evidence == "count":
                about = len(about) if isinstance(about, list) else 0
            yield Claim(where=where, evidence=evidence, value=value, of=about)


def evidence_in(schema: Schema | None) -> frozenset[str]:
    """The kinds of evidence that answers of this type hold."""
    match schema:
        case Maybe(inner) | ListOf(inner):
            return evidence_in(inner)
        case Fields(fields):
            return frozenset().union(*(evidence_in(kind) for _, kind in fields))
        case Primitive(_, evidence) if evidence is not None:
            return frozenset({evidence})
        case _:
            return frozenset()


def refuted(cited: Iterable[Claim], is_known_url: Callable[[str], bool]) -> list[str]:
    """What is wrong with those claims that no file is needed for: counts and addresses."""
    wrong = []
    for claim in cited:
        if claim.evidence == "count" and claim.value != claim.of:
            wrong.append(f"{claim.where} is {claim.value}, but {claim.of} are listed")
        elif claim.evidence == "url" and not is_known_url(claim.value):
            url = one_line(claim.value, 120)
            wrong.append(
                f"{claim.where}: {url} stands in nothing that was given, and was not fetched"
            )
    return wrong
