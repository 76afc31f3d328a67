"""Every reply of the corpus gets its verdict, its value and its flag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from reply_corpus import Case, cases

from maker.core.models import AgentReply
from maker.reading.answers import load
from maker.reading.loaded import VERDICTS, Loaded
from maker.reading.plans import load_mapping
from maker.schema.schema import parse_schema
from maker.steps.red_flags import Contract, judge

CASES = cases()


def read(case: Case) -> Loaded:
    if case.text_fields:
        return load_mapping(case.reply, case.text_fields)
    return load(case.reply, parse_schema(case.schema) if case.schema else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reply_has_its_verdict_and_value(case: Case) -> None:
    loaded = read(case)
    if "verdict" in case.header:
        assert loaded.verdict == case.header["verdict"], loaded
    if "value" in case.header:
        assert loaded.value == case.value, loaded
        assert _types(loaded.value) == _types(case.value)
    assert bool(loaded.error) == (loaded.verdict == "unreadable")
    assert bool(loaded.notes) >= (loaded.verdict in ("normalised", "repaired"))


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.text_fields], ids=lambda case: case.name
)
def test_a_reply_votes_or_carries_its_flag(case: Case) -> None:
    contract = Contract(schema=case.schema, targets=case.targets, voted=True)
    ballot = judge(AgentReply(text=case.reply), contract)
    assert ballot.flag == case.header.get("flag", _implied_flag(case)), ballot
    assert bool(ballot.detail) == bool(ballot.flag)
    if not ballot.flag:
        assert ballot.output == case.value
        assert ballot.answer


def test_the_corpus_has_every_verdict(record_property: Callable[[str, object], None]) -> None:
    verdicts = Counter(read(case).verdict for case in CASES)
    record_property("replies by verdict", dict(verdicts))
    print(f"{len(CASES)} replies: {dict(verdicts)}")  # noqa: T201
    assert len(CASES) >= 80
    assert set(verdicts) == set(VERDICTS)


def _implied_flag(case: Case) -> str:
    return "repaired" if case.header.get("verdict") == "repaired" else ""


def _types(value: object) -> object:
    match value:
        case dict():
            return {key: _types(each) for key, each in value.items()}
        case list():
            return [_types(each) for each in value]
        case _:
            return type(value)
