"""What rows leave out, and that it is given back byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.core import events as e
from maker.core.models import AgentReply, CallKey, Digest, Usage
from maker.core.seams import Record
from maker.errors import LogDamaged
from maker.store.payloads import REMEMBERED, Packer, Unpacker, reference_of

TIMES = st.floats(0, 4e9, allow_nan=False)


def record(seq: int, event: e.Event) -> Record:
    payload, kind = e.encode(event), type(event).__name__
    return Record(seq=seq, timestamp=event.timestamp, type=kind, payload=payload, hash=b"")


def replied(sample: int, text: str, time: float = 1.5, request: str = "r") -> e.AgentReplied:
    return e.AgentReplied(
        key=CallKey(f"step/0.0/0/{sample}"),
        request=Digest(request * 64),
        prompt=Digest("p" * 64),
        reply=AgentReply(text=text, usage=Usage(input_tokens=7)),
        timestamp=time,
    )


def unpacker(records: Sequence[Record], packed: Sequence[str]) -> Unpacker:
    by_seq = {r.seq: (r.type, r.timestamp, text) for r, text in zip(records, packed, strict=True)}
    return Unpacker(by_seq.__getitem__)


def packed(records: Sequence[Record]) -> list[str]:
    packer = Packer()
    return [packer.pack(each) for each in records]


def given_back(unpack: Unpacker, each: Record, text: str) -> bytes:
    return unpack.unpack(each.seq, each.type, each.timestamp, text)


texts = st.text(max_size=12) | st.sampled_from(
    ['{"a": 1}', '","reply":{', '"as":3', "\\", "\u2028"]
)
events = st.lists(
    st.builds(replied, st.integers(0, 9), texts, TIMES, st.sampled_from("rst"))
    | st.builds(e.RunPaused, reason=texts, timestamp=TIMES)
    | st.builds(e.StepStarted, step=st.integers(0, 9), title=texts, timestamp=TIMES)
    | st.builds(
        replied, st.integers(0, 9), texts, TIMES, st.sampled_from(['"', "\\", '","as":1,"x":"'])
    ),
    max_size=12,
)


@given(events)
def test_every_payload_is_given_back_in_order_and_alone(log: list[e.Event]) -> None:
    records = [record(seq, event) for seq, event in enumerate(log, start=1)]
    rows = packed(records)
    in_order = unpacker(records, rows)
    for each, text in zip(records, rows, strict=True):
        assert given_back(in_order, each, text) == each.payload
        assert given_back(unpacker(records, rows), each, text) == each.payload


@given(st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")), TIMES)
def test_a_payload_that_no_maker_wrote_is_given_back_too(text: str, time: float) -> None:
    odd = Record(seq=1, timestamp=time, type="StepStarted", payload=text.encode(), hash=b"")
    assert given_back(unpacker([odd], packed([odd])), odd, packed([odd])[0]) == text.encode()


def test_type_and_time_are_in_their_columns_alone() -> None:
    (row,) = packed([record(1, e.StepStarted(step=0, title="t", timestamp=1764194.25))])
    assert row == '{"step":0,"title":"t"}'


def test_an_equal_reply_is_kept_once_and_another_one_shares_the_hashes() -> None:
    log = [replied(0, "same"), replied(1, "same"), replied(2, "other"), replied(3, "other")]
    rows = packed([record(seq, event) for seq, event in enumerate(log, start=5)])
    assert rows[1] == '{"key":"step/0.0/0/1","as":5}'
    assert rows[2].startswith('{"key":"step/0.0/0/2","as":5,"reply":{"text":"other"')
    assert rows[3] == '{"key":"step/0.0/0/3","as":7}'
    assert [reference_of(row) for row in rows] == [None, 5, 5, 7]


def test_what_a_packer_remembers_is_bounded() -> None:
    log = [replied(0, f"text {n}", request="abcdef"[n % 6]) for n in range(3 * REMEMBERED)]
    records = [record(seq, event) for seq, event in enumerate([*log, log[0]], start=1)]
    rows = packed(records)
    assert '"reply"' in rows[-1]
    assert given_back(unpacker(records, rows), records[-1], rows[-1]) == records[-1].payload


@pytest.mark.parametrize("earlier", [2, 3, 99])
def test_a_row_that_refers_to_itself_or_to_a_later_one_is_damage(earlier: int) -> None:
    looked_up = Unpacker(lambda seq: ("AgentReplied", 1.0, f'{{"key":"k","as":{seq}}}'))
    with pytest.raises(LogDamaged, match="event 2 refers to"):
        looked_up.unpack(2, "AgentReplied", 1.0, f'{{"key":"k","as":{earlier}}}')


def test_a_chain_of_references_that_leads_nowhere_is_damage() -> None:
    looked_up = Unpacker(lambda seq: ("AgentReplied", 1.0, f'{{"key":"k","as":{seq - 1}}}'))
    with pytest.raises(LogDamaged, match="refers to"):
        looked_up.unpack(10_000, "AgentReplied", 1.0, '{"key":"k","as":9999}')
