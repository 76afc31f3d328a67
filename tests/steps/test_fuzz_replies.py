"""Whatever the text: a verdict, never an exception, and only plain values."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st
from reply_corpus import cases
from reply_mutations import noise, spoiled

from maker.core.models import AgentReply
from maker.reading.answers import load
from maker.reading.loaded import VERDICTS
from maker.reading.plans import load_mapping
from maker.schema.schema import parse_schema, problems
from maker.steps.red_flags import Contract, judge

CASES = cases()
ANY_TEXT = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Po", "Ps", "Pe", "Nd"]))


def read_every_way(text: str, schema_text: str) -> None:
    schema = parse_schema(schema_text) if schema_text else None
    for loaded in (load(text, schema), load(text), load_mapping(text, frozenset({"title"}))):
        assert loaded.verdict in VERDICTS
        assert json.loads(json.dumps(loaded.value, allow_nan=False)) == loaded.value
        json.dumps(loaded.value, ensure_ascii=False).encode()
    contract = Contract(schema=schema_text, voted=True)
    ballot = judge(AgentReply(text=text), contract)
    assert bool(ballot.flag) == bool(ballot.detail)
    if not ballot.flag and schema is not None:
        assert problems(schema, ballot.output) == []


@given(ANY_TEXT)
def test_any_text_gets_a_verdict(text: str) -> None:
    read_every_way(text, "{a: string, n: int?}")


def test_a_spoiled_reply_gets_a_verdict() -> None:
    rng = random.Random(1)
    for case in CASES:
        if len(case.reply) < 5000:
            for _ in range(3):
                read_every_way(spoiled(case.reply, rng), case.schema)


def test_noise_gets_a_verdict() -> None:
    rng = random.Random(2)
    for _ in range(150):
        read_every_way(noise(rng), "{a: string}")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["{}", "Sure:\n\n{}\n\nDone.", "```json\n{}\n```", "Draft: {{}}\n\n{}"]),
    st.booleans(),
)
def test_declared_strings_in_json_come_out_as_they_were(
    mapping: dict[str, str], frame: str, indent: bool
) -> None:
    schema = parse_schema("{" + ", ".join(f"{key}: string" for key in mapping) + "}")
    body = json.dumps(mapping, ensure_ascii=False, indent=2 if indent else None)
    loaded = load(frame.replace("{{}}", "{ }").replace("{}", body), schema)
    assert loaded.value == mapping
    assert loaded.verdict in ("clean", "extracted")
